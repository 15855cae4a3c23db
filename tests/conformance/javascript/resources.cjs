// What an account makes and keeps: each resource is created, read, changed and deleted.
const { toFile } = require('@cartesia/cartesia-js');
const { SETTINGS, HELLO, open, refused, run } = require('./speech.cjs');

async function all(pages) {
  const found = [];
  for await (const each of pages) found.push(each);
  return found;
}

async function size(client, settings) {
  const response = await client.tts.generate({ ...SETTINGS, transcript: HELLO, ...settings });
  return (await response.arrayBuffer()).byteLength;
}

async function voices(client) {
  const clip = await toFile(Buffer.from('RIFF'), 'clip.wav');
  const made = await client.voices.clone({ clip, name: 'Me', language: 'en' });
  const other = await client.voices.localize({
    voice_id: made.id, name: 'Ich', accent: 'high-german',
  });
  const changed = await client.voices.update(made.id, { name: 'You', accent: 'british' });
  const added = await client.voices.addAccents(made.id, { accents: ['parisian'] });
  const left = await client.voices.deleteAccent('parisian', { id: made.id });
  const spoken = await size(client, { voice: made.id });
  await client.voices.delete(made.id);
  await client.voices.delete(other.id);
  return {
    made, other, changed, added, left, spoken,
    accents: (await client.voices.listAccents()).accents,
    gone: await refused(client.voices.get(made.id)),
  };
}

async function dictionaries(client) {
  const dicts = client.pronunciationDicts;
  const made = await dicts.create({ name: 'JS', items: [{ text: 'dear', alias: 'beloved' }] });
  const listed = await all(dicts.list({ limit: 1 }));
  const plain = await size(client, {});
  const spoken = await size(client, { pronunciation_dict_id: made.id });
  const changed = await dicts.update(made.id, { items: [] });
  await dicts.delete(made.id);
  return { made, listed, plain, spoken, changed, gone: await refused(dicts.retrieve(made.id)) };
}

async function datasets(client) {
  const made = await client.datasets.create({ name: 'JS', description: '' });
  await client.datasets.update(made.id, { name: 'Talks', description: 'of June' });
  const file = await toFile(Buffer.from('RIFF'), 'a.wav');
  await client.datasets.files.upload(made.id, { file, purpose: 'fine_tune' });
  const tune = await client.fineTunes.create({
    name: 'JS', description: '', dataset: made.id, language: 'en', model_id: 'sonic-3-2026-01-12',
  }, { headers: { 'x-behaviour': 'training_seconds=0' } });
  const [voice] = await all(client.fineTunes.listVoices(tune.id));
  const files = await all(client.datasets.files.list(made.id));
  await client.datasets.files.delete(files[0].id, { id: made.id });
  const answer = {
    files, tune, voice,
    now: await client.datasets.retrieve(made.id),
    left: await all(client.datasets.files.list(made.id)),
    spoken: await size(client, { voice: voice.id }),
  };
  await client.fineTunes.delete(tune.id);
  await client.voices.delete(voice.id);
  await client.datasets.delete(made.id);
  return answer;
}

async function agents(client) {
  const [agent] = (await client.agents.list()).summaries;
  const calls = await all(client.agents.calls.list({ agent_id: agent.id, limit: 2 }));
  const metric = await client.agents.metrics.create({ name: 'js', prompt: 'Was it polite?' });
  await client.agents.metrics.addToAgent(metric.id, { agent_id: agent.id });
  await client.agents.metrics.removeFromAgent(metric.id, { agent_id: agent.id });
  return {
    agent, calls, metric,
    changed: await client.agents.update(agent.id, { description: 'js' }),
    call: await client.agents.calls.retrieve(calls[0].id),
    deployments: await client.agents.deployments.list(agent.id),
    results: await all(client.agents.metrics.results.list({ limit: 2 })),
    exported: await client.agents.metrics.results.export({ agent_id: agent.id }),
  };
}

run(async () => {
  const client = open();
  return {
    voices: await voices(client),
    dictionaries: await dictionaries(client),
    datasets: await datasets(client),
    agents: await agents(client),
  };
});
