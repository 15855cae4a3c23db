// Agents: read, change and delete; calls; metrics and their results.
const { VOICE, open, refused, run } = require('./speech.cjs');

async function all(pages) {
  const found = [];
  for await (const item of pages) found.push(item);
  return found;
}

run(async () => {
  const { agents } = open();
  const { calls, deployments, metrics } = agents;
  const [agent] = (await agents.list()).summaries;
  const [deployment] = await deployments.list(agent.id);
  const listed = await all(calls.list({ agent_id: agent.id, limit: 1 }));
  const metric = await metrics.create({ name: 'kind', prompt: 'Was it?', display_name: 'Polite' });
  await metrics.addToAgent(metric.id, { agent_id: agent.id });
  const query = { agent_id: agent.id, limit: 2 };
  const seen = {
    agent,
    deployment: await deployments.retrieve(deployment.id),
    numbers: await agents.listPhoneNumbers(agent.id),
    templates: (await agents.listTemplates()).templates,
    calls: listed,
    call: await calls.retrieve(listed[0].id),
    metrics: (await metrics.list()).data,
    results: await all(metrics.results.list(query)),
    export: await metrics.results.export({ agent_id: agent.id }),
    taken: await refused(metrics.create({ name: 'kind', prompt: 'Again?' })),
    changed: await agents.update(agent.id, { name: 'shop', tts_voice: VOICE }),
  };
  await metrics.removeFromAgent(metric.id, { agent_id: agent.id });
  await agents.delete(agent.id);
  return { ...seen, gone: await refused(agents.retrieve(agent.id)) };
});
