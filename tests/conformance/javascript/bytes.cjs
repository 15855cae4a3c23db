// Whole answers in each container, and one that is saved.
const { HELLO, RAW, SETTINGS, open, run } = require('./speech.cjs');

const FORMATS = {
  raw: RAW,
  wav: { container: 'wav', encoding: 'pcm_s16le', sample_rate: 24000 },
  mp3: { container: 'mp3', sample_rate: 44100, bit_rate: 128000 },
};

run(async () => {
  const client = open();
  const answers = {};
  for (const [name, output_format] of Object.entries(FORMATS)) {
    const body = { ...SETTINGS, output_format, transcript: HELLO, save: name === 'wav' };
    const response = await client.tts.generate(body);
    answers[name] = {
      data: Buffer.from(await response.arrayBuffer()).toString('base64'),
      request_id: response.headers.get('x-request-id'),
      file_id: response.headers.get('cartesia-file-id'),
      kind: response.headers.get('content-type'),
    };
  }
  return answers;
});
