// One context more than a plan for two allows, in a socket and over HTTP.
const { SETTINGS, collect, connect, open, refused, run } = require('./speech.cjs');

run(async () => {
  const client = open();
  const socket = await connect(client);
  const transcript = 'One sentence of a text that goes on for a while. '.repeat(500);
  const contexts = [1, 2, 3].map(() => socket.context(SETTINGS));
  for (const context of contexts) await context.push({ transcript });
  const third = await collect(contexts[2].receive());
  const http = await refused(client.tts.generate({ ...SETTINGS, transcript }));
  socket.close();
  return { third, http };
});
