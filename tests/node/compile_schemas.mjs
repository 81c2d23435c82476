// Compiles JSON Schemas as the official TypeScript clients of MCP do with tools' output schemas, and prints for each
// what both generations say: null if they take it, else the error's message.
//
// node compile_schemas.mjs FILE    (a JSON array of schemas)

import { readFileSync } from "node:fs";
import { AjvJsonSchemaValidator as V1 } from "@modelcontextprotocol/sdk/validation/ajv";
import { AjvJsonSchemaValidator as V2 } from "@modelcontextprotocol/client/validators/ajv";

for (const say of ["log", "warn", "error"]) console[say === "log" ? "debug" : say] = () => {};

/** A client compiles all schemas of a list with one validator, so that their `$id`s meet. */
function compiled(validator, schema) {
  try {
    validator.getValidator(schema);
    return null;
  } catch (error) {
    return error.message;
  }
}

const schemas = JSON.parse(readFileSync(process.argv[2], "utf8"));
const [v1, v2] = [new V1(), new V2()];
process.stdout.write(JSON.stringify(schemas.map((schema) => ({ v1: compiled(v1, schema), v2: compiled(v2, schema) }))));
