// Several contexts of one socket at once, in pieces, with times.
const { SETTINGS, collect, connect, open, run } = require('./speech.cjs');

run(async () => {
  const socket = await connect(open());
  const order = [];
  socket.on('chunk', (event) => order.push(event.context_id));
  const contexts = {};
  await Promise.all(
    ['js-one', 'js-two', 'js-three'].map(async (contextId) => {
      const context = socket.context({
        ...SETTINGS,
        contextId,
        add_timestamps: true,
        add_phoneme_timestamps: true,
      });
      await context.push({ transcript: 'Good mor' });
      await context.push({ transcript: 'ning, dear all. '.repeat(20) });
      await context.no_more_inputs();
      contexts[contextId] = await collect(context.receive());
    }),
  );
  socket.close();
  return { contexts, order };
});
