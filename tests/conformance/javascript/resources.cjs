// Voices of an account, accents, dictionaries, datasets and fine-tunes.
const { HELLO, SETTINGS, open, refused, run } = require('./speech.cjs');

globalThis.File ??= require('node:buffer').File; // Node 18 has none, and the client wants one

async function all(pages) {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
}

const clip = () => new File([Buffer.alloc(16000, 'abcd')], 'clip.wav');

async function voices(client) {
  const clone = await client.voices.clone({ clip: clip(), name: 'Mine', language: 'en' });
  const speech = await client.tts.generate({ ...SETTINGS, voice: clone.id, transcript: HELLO });
  const changed = await client.voices.update(clone.id, { name: 'Ours', accent: 'british' });
  const added = await client.voices.addAccents(clone.id, { accents: ['australian'] });
  const removed = await client.voices.deleteAccent('australian', { id: clone.id });
  const local = { voice_id: clone.id, name: 'Unsere', accent: 'high-german' };
  const localized = await client.voices.localize(local);
  const own = await all(client.voices.list({ is_owner: true }));
  await client.voices.delete(clone.id);
  return {
    bytes: (await speech.arrayBuffer()).byteLength,
    ids: [clone.id, localized.id],
    own,
    changed,
    added,
    removed,
    accents: (await client.voices.listAccents()).accents,
    gone: await refused(client.voices.get(clone.id)),
  };
}

async function dictionaries({ pronunciationDicts }) {
  const items = [{ text: 'Llanfair', alias: 'Clan vire' }];
  const made = await pronunciationDicts.create({ name: 'Places', items });
  const changed = await pronunciationDicts.update(made.id, { items: [] });
  const listed = await all(pronunciationDicts.list({ limit: 1 }));
  await pronunciationDicts.delete(made.id);
  return { made, changed, listed, gone: await refused(pronunciationDicts.retrieve(made.id)) };
}

async function training({ datasets, fineTunes }) {
  const made = await datasets.create({ name: 'Calls', description: 'of May' });
  await datasets.update(made.id, { name: 'Talks', description: '' });
  await datasets.files.upload(made.id, { file: clip(), purpose: 'fine_tune' });
  const files = await all(datasets.files.list(made.id));
  const about = { name: 'Tuned', description: '', language: 'en', model_id: 'sonic-3-2026-01-12' };
  const tune = await fineTunes.create({ ...about, dataset: made.id });
  const trained = await fineTunes.retrieve(tune.id);
  const tuned = await all(fineTunes.listVoices(tune.id));
  await fineTunes.delete(tune.id);
  await datasets.files.delete(files[0].id, { id: made.id });
  const seen = { dataset: await datasets.retrieve(made.id), files, tune, trained, tuned };
  await datasets.delete(made.id);
  return { ...seen, left: [await all(datasets.list()), await all(fineTunes.list())].flat() };
}

run(async () => {
  const client = open({ defaultHeaders: { 'x-behaviour': 'training_seconds=0' } });
  return {
    voices: await voices(client),
    dictionaries: await dictionaries(client),
    training: await training(client),
  };
});
