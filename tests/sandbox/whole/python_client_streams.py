"""What the Python client's `stream` and `portforward` get of the pod `web`: a command's output and code, an answer.

A program of its own, since the client leaves sockets open.
"""

from __future__ import annotations

import sys
from typing import Any

from kubernetes import client, config
from kubernetes.stream import portforward, stream


def main(kubeconfig: str) -> None:
    configuration = client.Configuration()
    config.load_kube_config(kubeconfig, client_configuration=configuration)

    def api() -> Any:  # `stream` changes the client that it is given
        return client.CoreV1Api(client.ApiClient(configuration))

    line = ["sh", "-c", "read line; echo got $line; exit 5"]
    wanted = {"stdin": True, "stdout": True, "stderr": True, "tty": False, "_preload_content": False}
    command = stream(api().connect_get_namespaced_pod_exec, "web", "default", command=line, **wanted)
    command.write_stdin("hello\n")
    command.run_forever(timeout=10)
    print(command.read_stdout() + str(command.returncode))
    ports = portforward(api().connect_get_namespaced_pod_portforward, "web", "default", ports="80")
    connection = ports.socket(80)
    connection.setblocking(True)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    answer = b""
    while chunk := connection.recv(4096):
        answer += chunk
    print(answer.split(b"\r\n")[0].decode())


if __name__ == "__main__":
    main(sys.argv[1])
