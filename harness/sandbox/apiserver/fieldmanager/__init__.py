"""Who owns which field of an object: server-side apply and metadata.managedFields, by the shapes of the kinds.

Source: apimachinery `pkg/util/managedfields`, kubernetes-sigs/structured-merge-diff, and
https://kubernetes.io/docs/reference/using-api/server-side-apply/.
"""
