// One context is cancelled in the middle; another one is spoken to its end.
const { HELLO, SETTINGS, collect, connect, open, run } = require('./speech.cjs');

run(async () => {
  const socket = await connect(open());
  const long = socket.context({ ...SETTINGS, contextId: 'js-cancelled' });
  const other = socket.context({ ...SETTINGS, contextId: 'js-other' });
  await long.push({ transcript: 'One sentence of a text that goes on for a while. '.repeat(500) });
  await long.no_more_inputs();
  for await (const event of long.receive()) {
    if (event.type === 'chunk') break;
  }
  await long.cancel();
  await other.push({ transcript: HELLO });
  await other.no_more_inputs();
  const heard = await collect(other.receive());
  socket.close();
  return heard;
});
