// Times Hugging Face's native tokenizers (npm package "tokenizers") on one thread: node huggingface.js VOCAB MERGES TEXT PASSES
// Prints one JSON document: seconds of each pass, the number of ids and SHA-256 of all ids, for the lines of the text in one batch and for the text as a whole.
process.env.RAYON_NUM_THREADS = '1';
process.env.TOKENIZERS_PARALLELISM = 'false';
const { Tokenizer, BPE, byteLevelPreTokenizer } = require('tokenizers');
const fs = require('fs');
const crypto = require('crypto');

(async () => {
  const [vocab, merges, path, passes] = process.argv.slice(2);
  const tokenizer = new Tokenizer(await BPE.fromFile(vocab, merges));
  tokenizer.setPreTokenizer(byteLevelPreTokenizer(false));
  const text = fs.readFileSync(path, 'utf8');
  const result = {};
  for (const [name, inputs] of [['lines', text.split('\n')], ['whole', [text]]]) {
    const seconds = [];
    let encodings = [];
    // The first pass warms the cache and is not counted.
    for (let pass = 0; pass <= Number(passes); pass++) {
      const start = process.hrtime.bigint();
      encodings = await tokenizer.encodeBatch(inputs, { addSpecialTokens: false });
      if (pass > 0) seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
    }
    const hash = crypto.createHash('sha256');
    for (const encoding of encodings) hash.update(encoding.getIds().join(',') + '\n');
    result[name] = { seconds, ids: encodings.reduce((sum, encoding) => sum + encoding.getLength(), 0), sha256: hash.digest('hex') };
  }
  console.log(JSON.stringify(result));
})();
