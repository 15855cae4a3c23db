// What the scripts share. CommonJS, since the client finds `ws` by require().
const { Cartesia } = require('@cartesia/cartesia-js');

const KEY = process.env.CONFORMANCE_KEY;
const VOICE = '6ccbfb76-1fc6-48f7-b71d-91ac6298247b';
const RAW = { container: 'raw', encoding: 'pcm_s16le', sample_rate: 16000 };
const SETTINGS = { model_id: 'sonic-3.5', voice: VOICE, output_format: RAW };
const HELLO = 'Good morning, dear all.';

const open = (options = {}) => new Cartesia({ apiKey: KEY, maxRetries: 0, ...options });

const plain = ({ audio, ...event }) => event; // as it came: `audio` is the client's own

async function collect(events) {
  const heard = [];
  try {
    for await (const event of events) heard.push(plain(event));
  } catch (error) {
    return { events: heard, thrown: { name: error.constructor.name, message: error.message } };
  }
  return { events: heard };
}

const audio = (events) =>
  Buffer.concat(events.filter((e) => e.type === 'chunk').map((e) => Buffer.from(e.data, 'base64')));

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return {
      name: error.constructor.name,
      status: error.status,
      body: error.error,
      request_id: error.headers?.get('x-request-id'),
    };
  }
  return null;
}

async function connect(client, options) {
  const socket = await client.tts.websocket(options);
  socket.on('error', () => {}); // each context tells of its own
  return socket;
}

const run = (main) =>
  main().then(
    (result) => process.stdout.write(JSON.stringify(result)),
    (error) => {
      console.error(error);
      process.exitCode = 1;
    },
  );

module.exports = { HELLO, KEY, RAW, SETTINGS, VOICE, audio, collect, connect, open, plain, refused, run };
