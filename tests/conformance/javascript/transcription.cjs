// Speech to text as the docstrings of the client lay it out: a recording, finalizing, and turns.
const { RAW, SETTINGS, open, run } = require('./speech.cjs');

globalThis.File ??= require('node:buffer').File; // Node 18 has none, and the client wants one

const TEXT = 'The quick brown fox jumps over the lazy dog.';
const STREAM = { model: 'ink-2', encoding: 'pcm_s16le', sample_rate: 16000 };
const FRAME_BYTES = 3200;
const SECOND = Buffer.alloc(32000);

async function spoken(client, container) {
  const output_format = { ...RAW, container };
  const response = await client.tts.generate({ ...SETTINGS, transcript: TEXT, output_format });
  return Buffer.from(await response.arrayBuffer());
}

function sendAll(socket, audio) {
  for (let start = 0; start < audio.length; start += FRAME_BYTES) {
    socket.sendRaw(audio.subarray(start, start + FRAME_BYTES));
  }
}

async function collect(socket, send) {
  const seen = { messages: [], errors: [] };
  socket.on('error', ({ error }) => seen.errors.push(error));
  for await (const event of socket.stream()) {
    if (event.type === 'open') send();
    if (event.type === 'message') seen.messages.push(event.message);
    if (event.type === 'close') seen.close = { code: event.code, unsent: event.unsent.length };
  }
  return seen;
}

run(async () => {
  const client = open();
  const audio = await spoken(client, 'raw');
  const recording = await client.stt.transcribe({
    file: new File([await spoken(client, 'wav')], 'own.wav'),
    model: 'ink-whisper',
    language: 'en',
    timestamp_granularities: ['word'],
  });
  const manual = client.stt.manualFinalize.websocket({ ...STREAM, keyterm: ['quick brown', 'fox'] });
  const finalized = await collect(manual, () => {
    sendAll(manual, audio);
    manual.send('finalize');
    sendAll(manual, SECOND);
    manual.send('close');
  });
  const auto = client.stt.autoFinalize.websocket({ ...STREAM, turn_end_timeout_ms: 1000 });
  const turns = await collect(auto, () => {
    auto.send({ type: 'config', turn: { end_threshold: 0.1 } });
    sendAll(auto, Buffer.concat([SECOND, audio, SECOND, SECOND, SECOND]));
    auto.send({ type: 'close' });
  });
  const invalid = client.stt.autoFinalize.websocket({ ...STREAM, turn_start_threshold: 5 });
  const refused = await collect(invalid, () => {});
  return { text: TEXT, recording, finalized, turns, refused };
});
