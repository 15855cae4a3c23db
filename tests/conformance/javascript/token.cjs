// A token speaks, and does nothing else.
const { HELLO, SETTINGS, VOICE, collect, connect, open, refused, run } = require('./speech.cjs');

run(async () => {
  const { token } = await open().accessToken.create({ grants: { tts: true }, expires_in: 60 });
  const client = open({ apiKey: null, token });
  const response = await client.tts.generate({ ...SETTINGS, transcript: HELLO });
  const bytes = (await response.arrayBuffer()).byteLength;
  const socket = await connect(client);
  const context = socket.context({ ...SETTINGS, contextId: 'js-token' });
  await context.push({ transcript: HELLO });
  await context.no_more_inputs();
  const heard = await collect(context.receive());
  socket.close();
  return { bytes, heard, voices: await refused(client.voices.get(VOICE)) };
});
