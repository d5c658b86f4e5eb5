// The whole main job by the panels of three real nodes, as an operator does it: first run,
// initialize, join, import a zone, edit a record of node 1 on node 2's panel, block a name.
// test_main_job.py starts the nodes and passes them as JSON in NODES; pictures go to SCREENS.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const { chromium } = createRequire(join(here, '../../webd/ui/package.json'))('playwright-core');

const nodes = JSON.parse(process.env.NODES); // [{ name, url, address, dnsPort, setup, secure }]
const out = process.env.SCREENS;
const DOMAIN = 'cluster.test';
const PASSWORD = 'a password of the main job';
const STEP_MS = 20_000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const ZONE = `$ORIGIN shop.example.
$TTL 3600
@    IN SOA ns1.${DOMAIN}. hostmaster.shop.example. 2026112301 900 300 604800 900
@    IN NS  ns1.${DOMAIN}.
@    IN NS  ns2.${DOMAIN}.
@    IN A   192.0.2.80
@    IN MX  10 mail
mail IN A   192.0.2.25
www  IN A   192.0.2.81
*.w  IN TXT "wild"
`;

await mkdir(out, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
const faults = [];
let shots = 0;

async function openPanel(node) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 960 } });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MS);
  page.on('console', (m) => m.type() === 'error' && faults.push(`${node.name}: ${m.text()}`));
  page.on('pageerror', (e) => faults.push(`${node.name}: ${e.message}`));
  return page;
}

const shot = (page, name) => page.screenshot({ path: join(out, `${String(++shots).padStart(2, '0')}-${name}.png`) });

async function until(what, test) {
  const end = Date.now() + STEP_MS;
  let last;
  while (Date.now() < end) {
    try {
      last = await test();
      if (last === true) return;
    } catch (e) {
      last = e.message;
    }
    await new Promise((ok) => setTimeout(ok, 20));
  }
  throw new Error(`${what}: not within ${STEP_MS} ms (${last})`);
}

/** What dig sees: status and answer data. */
function dig(node, name, type) {
  const text = execFileSync('dig', ['+norecurse', '+tries=1', '+time=2', '-p', String(node.dnsPort), `@${node.address}`, name, type], { encoding: 'utf8' });
  const status = /status: (\w+)/.exec(text)?.[1];
  const answers = text.split('\n').filter((l) => !l.startsWith(';') && l.includes(`\t${type}\t`)).map((l) => l.split('\t').at(-1));
  return { status, answers };
}

const everyNode = (what, name, type, test) => Promise.all(nodes.map((n) => until(`${n.name}: ${what}`, () => test(dig(n, name, type)))));

async function firstRun(node) {
  const page = await openPanel(node);
  await page.goto(node.setup);
  await page.fill('[name=new-password]', PASSWORD);
  await page.fill('[name=repeat-password]', PASSWORD);
  await shot(page, `${node.name}-first-run`);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.top');
  return page;
}

/* Joining takes the users of the cluster over, so the panel may ask again who is there. */
async function signInAgain(page) {
  await page.waitForSelector('.top, [name=username]');
  if (await page.locator('[name=username]').count()) {
    await page.fill('[name=username]', 'admin');
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.top');
  }
}

async function joinCode(page, node) {
  await page.goto(`${node.url}/#/admin/cluster?dialog=token`);
  await page.getByRole('button', { name: 'Create join code' }).click();
  const code = await page.locator('.secret code').textContent();
  await page.getByRole('button', { name: 'Done' }).click();
  return code;
}

async function join_(page, node, fill) {
  await page.goto(`${node.url}/#/admin/cluster?dialog=join`);
  const form = page.locator('dialog[open]');
  await form.waitFor();
  await fill(form);
  await form.getByLabel('Addresses of this node').fill(node.address);
  await shot(page, `${node.name}-join`);
  await form.getByRole('button', { name: 'Join', exact: true }).click();
  await page.locator('.steps .done').first().waitFor();
  await shot(page, `${node.name}-joining`);
  await page.getByRole('heading', { name: 'This node has joined' }).or(page.locator('[name=username]')).waitFor();
  await shot(page, `${node.name}-joined`);
  if (await page.getByRole('button', { name: 'Done' }).count()) await page.getByRole('button', { name: 'Done' }).click();
  await signInAgain(page);
}

async function main() {
  const [n1, n2, n3] = nodes;
  const p1 = await firstRun(n1);

  // initialize
  await p1.goto(`${n1.url}/#/admin/cluster?dialog=init`);
  const init = p1.locator('dialog[open]');
  await init.getByLabel('Cluster domain').fill(DOMAIN);
  await init.getByLabel('Addresses of this node').fill(n1.address);
  await shot(p1, 'ns1-initialize');
  await init.getByRole('button', { name: 'Create cluster' }).click();
  await p1.getByText(`ns1.${DOMAIN}`).first().waitFor();
  await p1.waitForSelector('.topo');
  await shot(p1, 'ns1-cluster');

  // node 2 by a join code, node 3 by user and password, each in its own panel
  const code = await joinCode(p1, n1);
  const p2 = await firstRun(n2);
  await join_(p2, n2, async (form) => {
    await form.getByLabel('Join code', { exact: true }).last().fill(code);
  });
  const p3 = await firstRun(n3);
  await join_(p3, n3, async (form) => {
    await form.getByText('User and password').click();
    await form.getByLabel('Address of the primary’s panel').fill(n1.secure);
    await form.getByLabel('IP address of the primary').fill(n1.address);
    await form.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await form.getByLabel('Do not check the certificate now').check();
  });
  await p1.goto(`${n1.url}/#/admin/cluster`);
  await until('all nodes connected', async () => (await p1.locator('.tbl .badge.ok').count()) === 2);
  await shot(p1, 'ns1-three-nodes');

  // zone import, into the cluster catalog
  await p1.goto(`${n1.url}/#/zones?dialog=add:import`);
  const add = p1.locator('dialog[open]');
  await add.getByLabel('Name or network').fill('shop.example');
  await add.getByLabel('Catalog', { exact: true }).last().selectOption(`cluster-catalog.${DOMAIN}`);
  await p1.setInputFiles('input[type=file]', { name: 'shop.example.zone', mimeType: 'text/plain', buffer: Buffer.from(ZONE) });
  await shot(p1, 'ns1-import');
  await add.getByRole('button', { name: 'Add zone' }).click();
  await p1.locator('[data-row]', { hasText: '192.0.2.81' }).waitFor();
  await shot(p1, 'ns1-zone');
  await everyNode('answers the imported zone', 'www.shop.example', 'A', (r) => r.status === 'NOERROR' && r.answers.join() === '192.0.2.81');
  await everyNode('answers below the wildcard', 'x.w.shop.example', 'TXT', (r) => r.answers.join() === '"wild"');

  // a record of node 1, edited on node 2's panel
  await p2.goto(`${n2.url}/#/zones/shop.example`);
  await p2.locator('[data-row]', { hasText: '192.0.2.81' }).waitFor();
  await p2.locator('button.node').click();
  await p2.locator('.menu.nodes input').fill('ns1');
  await p2.keyboard.press('Enter');
  await p2.waitForURL(/node=ns1/);
  await p2.waitForSelector('.banner');
  await p2.locator('[data-row]', { hasText: '192.0.2.81' }).focus();
  await p2.keyboard.press('e');
  await p2.getByLabel('IPv4 address').fill('192.0.2.99');
  await shot(p2, 'ns2-edits-ns1');
  const edited = Date.now();
  await p2.keyboard.press('Enter');
  await p2.locator('[data-row]', { hasText: '192.0.2.99' }).waitFor();
  await everyNode('answers the edited record', 'www.shop.example', 'A', (r) => r.answers.join() === '192.0.2.99');
  console.log(`edited on ns2's panel, answered by all three: ${Date.now() - edited} ms, browser included`);
  await shot(p2, 'ns2-edited');

  // a name blocked on node 2's panel, answered so by node 3
  assert.notEqual(dig(n3, 'ads.example', 'A').status, 'NXDOMAIN');
  await p2.goto(`${n2.url}/#/blocked?dialog=add`);
  await p2.locator('dialog textarea').fill('ads.example');
  const blocked = Date.now();
  await p2.locator('dialog').getByRole('button', { name: 'Block a name' }).click();
  await until('ns3 answers it blocked', () => dig(n3, 'www.ads.example', 'A').status === 'NXDOMAIN');
  console.log(`blocked on ns2's panel, answered by ns3: ${Date.now() - blocked} ms`);
  await p2.locator('[data-row]', { hasText: 'ads.example' }).waitFor();
  await shot(p2, 'ns2-blocked');
  await p3.goto(`${n3.url}/#/blocked`);
  await p3.locator('[data-row]', { hasText: 'ads.example' }).waitFor();
  await shot(p3, 'ns3-blocked');
  await p1.goto(`${n1.url}/#/admin/history`);
  await p1.waitForSelector('.tbl tbody tr');
  await shot(p1, 'ns1-history');

  // the same panel over HTTPS, by the node's own certificate
  const secure = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  await secure.goto(n3.secure);
  await signInAgain(secure);
  await secure.locator('.noderow').nth(2).waitFor();
  await shot(secure, 'ns3-https');
}

try {
  await main();
  assert.deepEqual(faults, []);
} catch (e) {
  for (const [i, page] of browser.contexts().flatMap((c) => c.pages()).entries()) {
    await page.screenshot({ path: join(out, `failed-${i + 1}.png`) }).catch(() => undefined);
  }
  console.error(e);
  console.error(faults.join('\n'));
  process.exitCode = 1;
} finally {
  await browser.close();
}
