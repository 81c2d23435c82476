// An official TypeScript client of MCP at work: connects as told, does what a program does with tools, and prints what
// it saw as one JSON object.
//
// node client.mjs '{"sdk": "v1"|"v2", "era": "legacy"|"auto"|{"pin": …}, "transport": "http"|"sse"|"stdio", "url": …,
//                   "headers": {…}, "command": …, "args": […], "only": "list"}'

const asked = JSON.parse(process.argv[2]);

async function parts() {
  if (asked.sdk === "v2") {
    const { Client, StreamableHTTPClientTransport, SSEClientTransport } = await import("@modelcontextprotocol/client");
    const { StdioClientTransport } = await import("@modelcontextprotocol/client/stdio");
    return { Client, StreamableHTTPClientTransport, SSEClientTransport, StdioClientTransport };
  }
  const sdk = "@modelcontextprotocol/sdk/client";
  const modules = await Promise.all(["index", "streamableHttp", "sse", "stdio"].map((name) => import(`${sdk}/${name}.js`)));
  return Object.assign({}, ...modules);
}

function transport({ StreamableHTTPClientTransport, SSEClientTransport, StdioClientTransport }) {
  const requestInit = { headers: asked.headers ?? {} };
  if (asked.transport === "http") return new StreamableHTTPClientTransport(new URL(asked.url), { requestInit });
  if (asked.transport === "sse") return new SSEClientTransport(new URL(asked.url), { requestInit });
  return new StdioClientTransport({ command: asked.command, args: asked.args, env: process.env, stderr: "ignore" });
}

/** Calls a tool; the two generations take the options in different places. */
function call(client, name, args, options) {
  const params = { name, arguments: args };
  return asked.sdk === "v2" ? client.callTool(params, options) : client.callTool(params, undefined, options);
}

async function failure(promise) {
  try {
    return { result: await promise };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

async function cancelled(client) {
  const stop = new AbortController();
  const waiting = failure(call(client, "wait", { seconds: 30 }, { signal: stop.signal }));
  while ((await call(client, "waits", {})).structuredContent.result.running === 0);
  stop.abort("no longer needed");
  const ended = await waiting;
  let waits;
  do waits = (await call(client, "waits", {})).structuredContent.result;
  while (waits.running > 0);
  return { failed: "message" in ended, waits };
}

const modules = await parts();
const options = asked.sdk === "v2" ? { versionNegotiation: { mode: asked.era ?? "legacy" } } : {};
const client = new modules.Client({ name: "typescript", version: "1" }, options);
const report = { connected: await failure(client.connect(transport(modules))) };

if (!report.connected.message) {
  report.server = client.getServerVersion();
  report.revision = client.getNegotiatedProtocolVersion?.() ?? client.transport.protocolVersion ?? null;
  report.tools = (await client.listTools()).tools.map((tool) => tool.name);
  if (asked.only === "list") {
    process.stdout.write(JSON.stringify(report));
    process.exit(0);
  }
  report.answers = await Promise.all([
    call(client, "add", { a: 5, b: 3 }),
    call(client, "add", { a: 0.1, b: 0.2 }),
    call(client, "multiply", { a: 2 ** 40, b: 3 }),
    call(client, "uppercase", { text: "straße, señor 🙂" }),
    call(client, "count_words", { text: "¿qué tal, mundo?" }),
  ]);
  report.many = (await Promise.all([...Array(50).keys()].map((i) => call(client, "multiply", { a: i, b: i })))).map(
    (answer) => answer.structuredContent.result,
  );
  report.wrong = await call(client, "add", { a: "five", b: 3 });
  report.unknown = await failure(call(client, "subtract", { a: 1, b: 2 }));
  report.progress = [];
  report.counted = await call(client, "count", { to: 3 }, { onprogress: (progress) => report.progress.push(progress) });
  report.cancelled = await cancelled(client);
  report.resources = (await client.listResources()).resources.map((resource) => resource.uri);
  report.catalogue = (await client.readResource({ uri: "toolbox://catalogue" })).contents[0].text;
  report.prompts = (await client.listPrompts()).prompts.map((prompt) => prompt.name);
  report.after = (await call(client, "add", { a: 1, b: 1 })).content[0].text;
  await client.close();
}

process.stdout.write(JSON.stringify(report));
process.exit(0);
