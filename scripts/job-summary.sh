#!/bin/sh
# Append the report of a run to the job's summary: scripts/job-summary.sh FOLDER
# A step may write 1 MiB into GITHUB_STEP_SUMMARY, and loses all of it where it writes more: a longer report is cut at a
# line, what is open there is closed, and it says so. A run without a report has the end of its output there.
set -eu

most=900000
report=$1/report.md
output=$1/output.txt
summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}

if [ ! -f "$report" ]; then
    {
        echo "## rollout-harness: no report"
        echo
        echo "Nothing was rolled, or nothing of it could be judged. The end of the output:"
        echo
        # Four spaces make it code, whatever stands in it.
        if [ -s "$output" ]; then tail -n 40 "$output" | cut -c 1-1000 | sed 's/^/    /'; else echo "    (none)"; fi
    } >>"$summary"
elif [ "$(wc -c <"$report")" -le "$most" ]; then
    cat "$report" >>"$summary"
else
    {
        head -c "$most" "$report" | sed '$d' | awk '
            { print }
            /^ *(```|~~~)/ { fence = fence == "" ? $1 : ""; sub(/[^`~].*/, "", fence); next }
            fence == "" { folded += gsub(/<details/, "") - gsub(/<\/details>/, "") }
            END { if (fence != "") print fence; while (folded-- > 0) print "\n</details>" }'
        echo
        echo "The report is longer than a summary can be: the rest is in report.md and report.html of the artifact."
    } >>"$summary"
fi
