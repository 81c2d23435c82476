// Says of regular expressions whether the engine takes them with the flag u, and without it.
//
// node compile_patterns.mjs FILE    (a JSON array of patterns)

import { readFileSync } from "node:fs";

function compiles(pattern, flags) {
  try {
    new RegExp(pattern, flags);
    return true;
  } catch {
    return false;
  }
}

const patterns = JSON.parse(readFileSync(process.argv[2], "utf8"));
process.stdout.write(JSON.stringify(patterns.map((each) => ({ unicode: compiles(each, "u"), lax: compiles(each, "") }))));
