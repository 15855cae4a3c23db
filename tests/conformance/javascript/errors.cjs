// What is refused, over HTTP, at the handshake and within a socket.
const { HELLO, KEY, RAW, SETTINGS, collect, connect, open, refused, run } = require('./speech.cjs');

globalThis.File ??= require('node:buffer').File; // Node 18 has none, and the client wants one

const body = { ...SETTINGS, transcript: HELLO };
const NO_VOICE = '00000000-0000-0000-0000-000000000000';

// The client rejects a promise that nobody can hold, beside the one that it returns.
process.on('unhandledRejection', () => {});

async function handshake(options) {
  const client = open(options);
  try {
    (await client.tts.websocket()).close();
  } catch (error) {
    return error.message ?? String(error);
  }
  return null;
}

run(async () => {
  const client = open();
  const stranger = open({ apiKey: 'sk_car_wrong' });
  const socket = await connect(client);
  const contexts = {};
  for (const [name, change] of Object.entries({
    model: { model_id: 'sonic-9' },
    voice: { voice: NO_VOICE },
  })) {
    const context = socket.context({ ...SETTINGS, ...change });
    await context.push({ transcript: HELLO });
    contexts[name] = await collect(context.receive());
  }
  const empty = socket.context(SETTINGS);
  await empty.no_more_inputs();
  contexts.empty = await collect(empty.receive());
  socket.close();
  return {
    contexts,
    handshake: await handshake({ apiKey: 'sk_car_wrong' }),
    model: await refused(client.tts.generate({ ...body, model_id: 'sonic-9' })),
    voice: await refused(client.tts.generate({ ...body, voice: NO_VOICE })),
    empty: await refused(client.tts.generate({ ...body, transcript: '' })),
    events: await refused(client.tts.generateSSE({ ...body, model_id: 'sonic-9' })),
    key: await refused(stranger.tts.generate(body)),
    infill: await refused(
      client.tts.infill({ left_audio: new File(['RIFF'], 'left.wav'), transcript: HELLO }),
    ),
    stt: await refused(
      client.stt.transcribe({ file: new File(['RIFF'], 'a.wav'), model: 'ink-whisper' }),
    ),
  };
});
