// The official JavaScript client: node official.cjs PLAN, where PLAN is a Plan of tasks.py as JSON.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');

// where .ci/run and CONTRIBUTING.md install it
const from = createRequire(path.join(__dirname, '../../../tests/conformance/package.json'));
const ws = from('ws');
const plan = JSON.parse(process.argv[2]);
const { url, contexts } = plan;

// The client insists on wss; where the load has no TLS, its scheme is put back.
if (url.startsWith('ws:')) {
  const Secure = ws.WebSocket;
  ws.WebSocket = class extends Secure {
    constructor(address, options) {
      super(String(address).replace(/^wss:/, 'ws:'), options);
    }
  };
}
const { Cartesia } = from('@cartesia/cartesia-js');

const SETTINGS = {
  model_id: 'sonic-latest',
  voice: '6ccbfb76-1fc6-48f7-b71d-91ac6298247b',
  output_format: { container: 'raw', encoding: 'pcm_s16le', sample_rate: 24000 },
};
const now = () => Number(process.hrtime.bigint()) / 1e9;
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
function queued() {
  try {
    return Number(fs.readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e9;
  } catch {
    return 0;
  }
}
function peak() {
  try { // maxRSS may be that of the process that started this one
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
}
const found = { frames: 0, bytes: 0, began: 0, cpu: 0, queued: 0 };
const delays = ['spread', 'burst'].includes(plan.pace) ? [] : null;

async function listen(socket, contextId) {
  const context = socket.context({ ...SETTINGS, contextId });
  await context.push({ transcript: 'x' });
  await context.no_more_inputs();
  for await (const event of context.receive()) {
    if (event.type !== 'chunk') continue;
    if (!found.frames) {
      found.queued = queued();
      found.began = now();
      found.cpu = cpu();
    }
    const audio = event.audio ?? Buffer.from(event.data, 'base64');
    found.frames += 1;
    found.bytes += audio.length;
    if (delays !== null) delays.push(now() - event.step_time);
  }
}

async function main() {
  const client = new Cartesia({ apiKey: 'sk_car_benchmark', baseURL: url.replace(/^ws/, 'http') });
  const before = process.memoryUsage.rss();
  const socket = await client.tts.websocket();
  const connected = process.memoryUsage.rss();
  const names = Array.from({ length: contexts }, (_, number) => `context-${number}`);
  await Promise.all(names.map((name) => listen(socket, name)));
  const report = {
    frames: found.frames,
    bytes: found.bytes,
    seconds: now() - found.began,
    queued_seconds: queued() - found.queued,
    cpu_seconds: cpu() - found.cpu,
    peak_bytes: peak(),
    growth_bytes: peak() - before,
    connected_bytes: connected - before,
    delays,
  };
  process.stdout.write(JSON.stringify(report) + '\n', () => process.exit(0));
}

main();
