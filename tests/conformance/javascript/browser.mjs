// As in a browser: the ES module knows no `ws`, so the credential goes into the query of the socket.
import { WebSocket } from 'ws';
import speech from './speech.cjs';

globalThis.WebSocket = WebSocket;
const { Cartesia } = await import('@cartesia/cartesia-js');
const { HELLO, KEY, SETTINGS, collect, connect, run } = speech;

async function speak(credential, contextId) {
  const socket = await connect(new Cartesia(credential));
  const context = socket.context({ ...SETTINGS, contextId });
  await context.push({ transcript: HELLO });
  await context.no_more_inputs();
  const heard = await collect(context.receive());
  socket.close();
  return { heard, query: [...new URL(socket.socket.url).searchParams.keys()] };
}

run(async () => {
  const client = new Cartesia({ apiKey: KEY });
  const { token } = await client.accessToken.create({ grants: { tts: true }, expires_in: 60 });
  return {
    key: await speak({ apiKey: KEY }, 'js-browser-key'),
    token: await speak({ token }, 'js-browser-token'),
  };
});
