// A socket that was closed for doing nothing is opened again by the next text.
const { HELLO, SETTINGS, collect, connect, open, run } = require('./speech.cjs');

async function speak(socket, contextId) {
  const context = socket.context({ ...SETTINGS, contextId });
  await context.push({ transcript: HELLO });
  await context.no_more_inputs();
  return collect(context.receive());
}

run(async () => {
  const socket = await connect(open(), { headers: { 'x-behaviour': 'idle_seconds=0.2' } });
  const closed = new Promise((resolve) => {
    socket.socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
  });
  const how = await closed;
  // A context that is made before the new socket would be forgotten with the old one.
  await socket._ensureConnected();
  const heard = await speak(socket, 'js-after-idle');
  socket.close();
  return { how, heard };
});
