// Bundles src/**/*.test.ts and runs them with Node's own test runner.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

async function find(dir, ending) {
  const out = [];
  for (const e of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, e.name);
    if (e.isDirectory()) out.push(...(await find(path, ending)));
    else if (e.name.endsWith(ending)) out.push(path);
  }
  return out;
}

const dir = await mkdtemp(join(tmpdir(), 'trellis-panel-test-'));
try {
  const entryPoints = await find(join(here, 'src'), '.test.ts');
  await build({
    absWorkingDir: here,
    entryPoints,
    outdir: dir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    outExtension: { '.js': '.mjs' },
    define: { PANEL_SOURCE: JSON.stringify(join(here, 'src')), PANEL_LANG: JSON.stringify(join(here, 'lang', 'en.json')) },
    logLevel: 'warning',
  });
  const files = (await find(dir, '.test.mjs')).sort();
  const run = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
} finally {
  await rm(dir, { recursive: true, force: true });
}
