// Infill and the voice changer: own speech again, and a second of another recording as events.
const { HELLO, RAW, SETTINGS, open, run } = require('./speech.cjs');

globalThis.File ??= require('node:buffer').File; // Node 18 has none, and the client wants one

const VOICE = 'a0e99841-438c-4a64-b679-ae501e7d6091';

function recording() {
  const header = Buffer.from('RIFF....WAVEfmt ....................data....');
  header.writeUInt32LE(36 + 32000, 4);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20); // PCM
  header.writeUInt16LE(1, 22); // mono
  header.writeUInt32LE(16000, 24);
  header.writeUInt32LE(32000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.writeUInt32LE(32000, 40);
  return new File([header, Buffer.alloc(32000, 'abcd')], 'clip.wav');
}

async function read(response) {
  return {
    data: Buffer.from(await response.arrayBuffer()).toString('base64'),
    request_id: response.headers.get('x-request-id'),
  };
}

run(async () => {
  const client = open();
  const change = Object.fromEntries(
    Object.entries(RAW).map(([name, value]) => [`output_format[${name}]`, value]),
  );
  const spoken = await client.tts.generate({ ...SETTINGS, transcript: HELLO });
  const clip = new File([await spoken.arrayBuffer()], 'own.raw');
  const own = await client.voiceChanger.generate({ clip, 'voice[id]': VOICE, ...change });
  const events = [];
  const stream = await client.voiceChanger.generateSSE({
    clip: recording(),
    'voice[id]': VOICE,
    ...change,
  });
  for await (const event of stream) events.push(event);
  const infill = await client.tts.infill({
    left_audio: recording(),
    model_id: 'sonic-3',
    language: 'en',
    transcript: HELLO,
    voice_id: VOICE,
    output_format: RAW,
  });
  return { own: await read(own), infill: await read(infill), events };
});
