// Segments of one context, each flushed, with a feeling each.
const { SETTINGS, collect, connect, open, run } = require('./speech.cjs');

run(async () => {
  const socket = await connect(open());
  const context = socket.context({ ...SETTINGS, contextId: 'js-flush' });
  const generation_config = { speed: 1.2, volume: 0.9, emotion: 'happy' };
  await context.push({ transcript: 'The first. ', generation_config, flush: true });
  await context.push({ transcript: 'The second.' });
  await context.no_more_inputs();
  const heard = await collect(context.receive());
  socket.close();
  return heard;
});
