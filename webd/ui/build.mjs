// Builds the panel into dist/: hashed bundles, gzip and brotli copies, and manifest.tsv, the only
// list of files that webd serves. Fails when the panel outgrows its budgets.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const KB = 1024;
const FIRST_LOAD_MAX = 80 * KB; // gzip, bytes
const CHUNK_MAX = 60 * KB;
const TOTAL_MAX = 250 * KB;
const COMPRESS_FROM = 512; // smaller files are sent as they are

const MEDIA = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

const common = {
  absWorkingDir: here,
  outdir: 'dist',
  bundle: true,
  minify: true,
  target: 'es2022',
  entryNames: '[name]-[hash]',
  chunkNames: 'c-[hash]',
  assetNames: '[name]-[hash]',
  metafile: true,
  write: false,
  logLevel: 'warning',
  legalComments: 'none',
  loader: { '.svg': 'copy' },
};

const results = await Promise.all([
  build({ ...common, entryPoints: ['src/main.tsx'], format: 'esm', splitting: true, jsx: 'automatic', jsxImportSource: 'preact' }),
  build({ ...common, entryPoints: ['src/theme.css', 'src/logo.svg'] }),
  build({ ...common, entryPoints: ['src/boot.ts'], format: 'iife' }),
]);

const files = new Map(); // name -> bytes
const entries = {}; // "main" -> "main-HASH.js"
const firstLoad = new Set(['index.html']);
for (const { outputFiles, metafile } of results) {
  for (const f of outputFiles) files.set(f.path.slice(dist.length + 1), Buffer.from(f.contents));
  for (const [path, out] of Object.entries(metafile.outputs)) {
    const name = path.slice('dist/'.length);
    const stem = /^(main|theme|boot|logo)-/.exec(name);
    if (!stem) continue;
    entries[stem[1]] = name;
    firstLoad.add(name);
    for (const i of out.imports ?? []) {
      if (i.kind === 'import-statement') firstLoad.add(i.path.slice('dist/'.length));
    }
  }
}

let html = await readFile(join(here, 'index.html'), 'utf8');
html = html.replace(/%(\w+)%/g, (_, name) => {
  if (!entries[name]) throw new Error(`index.html names an unknown entry: ${name}`);
  return entries[name];
});
files.set('index.html', Buffer.from(html));

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });

const rows = [];
const problems = [];
let first = 0;
let total = 0;
for (const name of [...files.keys()].sort()) {
  const body = files.get(name);
  const gz = gzipSync(body, { level: 9 });
  const packed = body.length > COMPRESS_FROM;
  await writeFile(join(dist, name), body);
  if (packed) {
    const br = brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    await writeFile(join(dist, `${name}.gz`), gz);
    await writeFile(join(dist, `${name}.br`), br);
  }
  const size = packed ? gz.length : body.length;
  total += size;
  if (firstLoad.has(name)) first += size;
  if (size > CHUNK_MAX) problems.push(`${name}: ${size} bytes gzip, at most ${CHUNK_MAX}`);
  const sha = createHash('sha256').update(body).digest('hex');
  const ext = name.slice(name.lastIndexOf('.') + 1);
  if (!MEDIA[ext]) throw new Error(`${name}: no media type for .${ext}`);
  rows.push([name, MEDIA[ext], body.length, sha, packed ? 1 : 0, packed ? 1 : 0].join('\t'));
}
if (first > FIRST_LOAD_MAX) problems.push(`first load: ${first} bytes gzip, at most ${FIRST_LOAD_MAX}`);
if (total > TOTAL_MAX) problems.push(`whole panel: ${total} bytes gzip, at most ${TOTAL_MAX}`);

// Written last: the make rule takes it for the product.
if (problems.length === 0) await writeFile(join(dist, 'manifest.tsv'), rows.join('\n') + '\n');
console.log(`panel: ${files.size} files, first load ${(first / KB).toFixed(1)} KB, whole ${(total / KB).toFixed(1)} KB (gzip)`);
if (problems.length > 0) {
  for (const p of problems) console.error(`over budget: ${p}`);
  process.exit(1);
}
