// Voices: all of them page by page, searched, and one.
const { VOICE, open, refused, run } = require('./speech.cjs');

async function all(client, query) {
  const found = [];
  for await (const voice of client.voices.list(query)) found.push(voice);
  return found;
}

run(async () => {
  const client = open();
  const ids = async (query) => (await all(client, query)).map((voice) => voice.id);
  return {
    large: await all(client, { limit: 100 }),
    small: await ids({ limit: 7 }),
    feminine: await ids({ gender: 'feminine', limit: 100 }),
    found: await ids({ q: VOICE }),
    one: await client.voices.get(VOICE),
    previews: await all(client, { q: VOICE, expand: ['preview_file_url'] }),
    none: await refused(client.voices.get('00000000-0000-0000-0000-000000000000')),
    status: await client.getStatus(),
  };
});
