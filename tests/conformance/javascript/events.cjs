// Server-sent events, with and without times.
const { HELLO, SETTINGS, collect, open, run } = require('./speech.cjs');

run(async () => {
  const client = open();
  const body = { ...SETTINGS, transcript: HELLO };
  const times = { add_timestamps: true, add_phoneme_timestamps: true };
  const plain = await client.tts.generateSSE({ ...body, context_id: 'js-sse' });
  const heard = await collect(plain);
  const timed = await client.tts.generateSSE({ ...body, ...times, context_id: 'js-sse-times' });
  return { plain: heard, timed: await collect(timed) };
});
