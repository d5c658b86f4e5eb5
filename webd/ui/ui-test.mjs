// Every screen of the panel in a real browser, against the mock API: looks, accessibility, keyboard,
// console, requests. `node ui-test.mjs` runs all; screenshots go to build/screens/ of the repository.
// Environment: CHROMIUM (default /usr/bin/chromium), SCREENS (folder for the pictures).
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startMock } from './mock-api.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.env.SCREENS ?? join(here, '..', '..', 'build', 'screens');
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WAIT_MS = 10_000;
const PASSWORD = 'correct horse battery';

export const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const MODES = [
  { name: 'light', viewport: { width: 1440, height: 960 }, colorScheme: 'light' },
  { name: 'dark', viewport: { width: 1440, height: 960 }, colorScheme: 'dark' },
  { name: 'rail', viewport: { width: 1024, height: 800 }, colorScheme: 'light' },
  { name: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'dark' },
  { name: 'small', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
];

/* name, address, and what must be there before the picture is taken */
const SCREENS = [
  ['overview', '#/overview', '.big'],
  ['zones', '#/zones', '[data-row]'],
  ['zones-filtered', '#/zones?q=type:Secondary&sort=-name', '.term'],
  ['zones-none', '#/zones?q=nothing-like-this', '.empty'],
  ['zone-add', '#/zones?dialog=add', 'dialog[open]'],
  ['zone-records', '#/zones/example.com', '[data-row]'],
  ['zone-record-add', '#/zones/example.com?dialog=record:SRV', 'dialog[open]'],
  ['zone-record-https', '#/zones/example.com?dialog=record:HTTPS', 'dialog[open]'],
  ['zone-text', '#/zones/example.com?view=text', '.code .ln'],
  ['zone-import', '#/zones/example.com?dialog=import', 'dialog[open]'],
  ['zone-options', '#/zones/big.example?tab=options', '.optgrid .card'],
  ['zone-options-secondary', '#/zones/partner.example?tab=options', '.optgrid .card'],
  ['zone-permissions', '#/zones/example.com?tab=permissions', '.permtbl'],
  ['allowed', '#/allowed', '[data-row]'],
  ['blocked', '#/blocked', '[data-row]'],
  ['blocked-add', '#/blocked?dialog=add', 'dialog[open]'],
  ['settings', '#/settings', '.setting'],
  ['settings-tsig', '#/settings/tsig', '.setting'],
  ['settings-search', '#/settings?q=ttl', '.setting'],
  ['cluster', '#/admin/cluster', '.topo'],
  ['cluster-add-node', '#/admin/cluster?dialog=token', 'dialog[open]'],
  ['cluster-options', '#/admin/cluster?dialog=options', 'dialog[open]'],
  ['sessions', '#/admin/sessions', '.tbl'],
  ['users', '#/admin/users', '.tbl'],
  ['user', '#/admin/users?dialog=user:max', 'dialog[open] .chk'],
  ['groups', '#/admin/groups', '.tbl'],
  ['permissions', '#/admin/permissions', '.tbl'],
  ['permissions-one', '#/admin/permissions/Zones', '.permtbl'],
  ['history', '#/admin/history', '.tbl'],
  ['commit', '#/admin/history?dialog=commit:412', 'dialog[open] .ins'],
  ['profile', '#/profile', '.tbl'],
  ['about', '#/about', '.kv'],
  ['help', '#/overview?dialog=help', 'dialog[open]'],
  ['palette', '#/overview?dialog=find', 'dialog[open]'],
  ['other-node', '#/zones?node=ns2.dns.example.net', '.banner'],
  ['no-page', '#/nothing', '.empty'],
];

let browser;
before(async () => {
  await mkdir(out, { recursive: true });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
});
const opened = new Set();
after(async () => {
  await Promise.all([...opened].map((close) => close()));
  await browser?.close();
});

/** A page on a fresh mock, with everything noted that must not happen. */
async function open(options = {}, context = MODES[0]) {
  const mock = await startMock(options);
  mock.state.log = [];
  const ctx = await browser.newContext({ ...context, acceptDownloads: true });
  const page = await ctx.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const faults = [];
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && faults.push(`console: ${m.text()}`));
  page.on('pageerror', (e) => faults.push(`page: ${e.message}`));
  page.on('request', (r) => !r.url().startsWith(mock.url) && !r.url().startsWith('data:') && faults.push(`leaves the origin: ${r.url()}`));
  const close = async () => {
    opened.delete(close);
    await ctx.close();
    await mock.close();
  };
  opened.add(close);
  return { mock, page, ctx, faults, close };
}

async function signIn(t) {
  await t.page.goto(t.mock.url);
  await t.page.fill('[name=username]', 'admin');
  await t.page.fill('[name=password]', PASSWORD);
  await t.page.press('[name=password]', 'Enter');
  await t.page.waitForSelector('.top');
}

async function show(t, hash, ready) {
  await t.page.goto(t.mock.url + hash);
  if (ready) await t.page.waitForSelector(ready);
  await t.page.waitForFunction(() => !document.querySelector('.skeleton'));
}

async function violations(t) {
  const cdp = await t.ctx.newCDPSession(t.page);
  await cdp.send('Runtime.evaluate', { expression: axe });
  const { result, exceptionDetails } = await cdp.send('Runtime.evaluate', {
    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + n.failureSummary.split('\\n').slice(1, 2).join('')).join(' | ')))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await cdp.detach();
  if (exceptionDetails) throw new Error(exceptionDetails.text);
  return result.value;
}

const wide = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

for (const mode of MODES) {
  test(`every screen, ${mode.name}`, async () => {
    const t = await open({}, mode);
    await signIn(t);
    const bad = [];
    for (const [name, hash, ready] of SCREENS) {
      await show(t, hash, ready);
      await t.page.screenshot({ path: join(out, `${name}-${mode.name}.png`) });
      for (const v of await violations(t)) bad.push(`${name}: ${v}`);
      const px = await wide(t.page);
      if (px > 0) bad.push(`${name}: ${px} px sideways`);
    }
    await t.close();
    assert.deepEqual([...bad, ...t.faults], []);
  });
}

test('a reload brings the same view back', async () => {
  const t = await open();
  await signIn(t);
  const text = () => t.page.evaluate(() => document.querySelector('dialog[open]')?.textContent ?? document.querySelector('main').textContent.replace(/\d+ (s|min|h|days?) ago|now/g, ''));
  for (const [name, hash, ready] of SCREENS) {
    await show(t, hash, ready);
    const first = await text();
    await t.page.reload();
    if (ready) await t.page.waitForSelector(ready);
    await t.page.waitForFunction(() => !document.querySelector('.skeleton'));
    assert.equal(await text(), first, name);
  }
  await t.close();
});

test('first run: token from the address, password, signed in', async () => {
  const t = await open({ needsSetup: true, isClustered: false });
  await t.page.goto(`${t.mock.url}#/setup?token=${t.mock.state.setupToken}`);
  await t.page.waitForSelector('[name=new-password]');
  assert.ok(!t.page.url().includes('token'), 'the token leaves the address');
  await t.page.screenshot({ path: join(out, 'setup-light.png') });
  assert.deepEqual(await violations(t), []);
  await t.page.fill('[name=new-password]', 'short');
  await t.page.fill('[name=repeat-password]', 'other');
  assert.ok(await t.page.getByText('The two passwords differ').isVisible());
  await t.page.fill('[name=new-password]', 'a long enough password');
  await t.page.fill('[name=repeat-password]', 'a long enough password');
  await t.page.keyboard.press('Enter');
  await t.page.waitForSelector('.top');
  assert.equal(t.mock.state.password, 'a long enough password');
  await show(t, '#/admin/cluster', '.empty');
  await t.page.screenshot({ path: join(out, 'cluster-none-light.png') });
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('sign-in: refusal, code, session resumed, sign-out', async () => {
  const t = await open();
  t.mock.state.totp = '123456';
  await t.page.goto(t.mock.url);
  await t.page.waitForSelector('[name=username]');
  await t.page.screenshot({ path: join(out, 'login-light.png') });
  assert.deepEqual(await violations(t), []);
  await t.page.fill('[name=username]', 'admin');
  await t.page.fill('[name=password]', 'wrong');
  await t.page.keyboard.press('Enter');
  await t.page.getByText('Invalid user name or password.').waitFor();
  await t.page.fill('[name=password]', PASSWORD);
  await t.page.keyboard.press('Enter');
  await t.page.getByLabel('Code').fill('123456');
  await t.page.waitForSelector('.top');
  await t.page.reload();
  await t.page.waitForSelector('.top');
  await t.page.getByLabel(/account menu/).click();
  await t.page.getByRole('menuitem', { name: 'Sign out' }).click();
  await t.page.waitForSelector('[name=username]');
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('without a mouse: to the zones, filter, open, edit a record, add one', async () => {
  const t = await open();
  await signIn(t);
  const key = (k) => t.page.keyboard.press(k);
  await key('g');
  await key('z');
  await t.page.waitForSelector('[data-row]');
  await key('/');
  await t.page.keyboard.type('type:Primary example.com');
  await t.page.waitForFunction(() => document.querySelectorAll('[data-row]').length === 1);
  assert.match(t.page.url(), /q=type:Primary/);
  await t.page.locator('[data-row]').focus();
  await key('Enter');
  await t.page.waitForSelector('.ty');
  const mx = t.page.locator('[data-row]', { hasText: 'mx1' });
  await mx.focus();
  await key('e');
  await t.page.waitForSelector('form.recform');
  await t.page.screenshot({ path: join(out, 'zone-record-edit-light.png') });
  assert.deepEqual(await violations(t), []);
  await t.page.getByLabel('Preference').fill('70000');
  await t.page.getByText('Not a number within the limits').waitFor();
  await t.page.getByLabel('Preference').fill('5');
  await key('Enter');
  await t.page.locator('[data-row]', { hasText: '5 mx1.example.com.' }).waitFor();
  await t.page.locator('[data-row]').first().focus();
  await key('n');
  await t.page.waitForSelector('dialog[open]');
  await t.page.keyboard.type('new');
  await key('Tab');
  await t.page.keyboard.type('AAAA');
  await key('Escape');
  await t.page.getByLabel('IPv6 address').fill('2001:db8::5');
  await key('Enter');
  await t.page.locator('[data-row]', { hasText: '2001:db8::5' }).waitFor();
  await key('?');
  await t.page.waitForSelector('dialog[open]');
  await key('Escape');
  await t.page.waitForFunction(() => !document.querySelector('dialog[open]'));
  await key('Control+k');
  await t.page.waitForSelector('dialog[open]');
  await t.page.keyboard.type('big.ex');
  await t.page.locator('[role=option]', { hasText: 'big.example' }).waitFor();
  await key('Enter');
  await t.page.waitForURL(/zones\/big\.example/);
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('zones: a bad file leaves nothing, bulk acts undo, deletion is typed', async () => {
  const t = await open();
  await signIn(t);
  await show(t, '#/zones?dialog=add', 'dialog[open]');
  await t.page.getByLabel('Name or network').fill('new.example');
  await t.page.getByLabel('Or paste the text here').fill('broken line');
  await t.page.locator('dialog').getByRole('button', { name: 'Add zone' }).click();
  await t.page.getByText('nothing was imported').waitFor();
  assert.ok(!t.mock.state.zones.some((z) => z.name === 'new.example'));
  await t.page.getByLabel('Or paste the text here').fill('www 300 IN A 192.0.2.7');
  await t.page.locator('dialog').getByRole('button', { name: 'Add zone' }).click();
  await t.page.waitForURL(/zones\/new\.example/);
  await t.page.locator('[data-row]', { hasText: '192.0.2.7' }).waitFor();

  await show(t, '#/zones?q=customer-0000', '[data-row]');
  await t.page.getByLabel('Select customer-00001.example').click();
  await t.page.getByLabel('Select customer-00003.example').click({ modifiers: ['Shift'] });
  await t.page.locator('.pend').getByRole('button', { name: 'Disable' }).click();
  const done = t.page.locator('.toast', { hasText: '3 zones disabled' });
  await done.waitFor();
  assert.equal(t.mock.state.zones.filter((z) => z.disabled && z.name.startsWith('customer')).length, 3);
  await done.getByRole('button', { name: 'Undo' }).click();
  await t.page.waitForFunction(() => document.querySelectorAll('[data-row] .badge.ok').length >= 10);
  await t.page.locator('.pend').getByRole('button', { name: 'Delete' }).click();
  const ask = t.page.locator('dialog[open]');
  await ask.getByRole('textbox').fill('delete');
  await ask.getByRole('button', { name: 'Delete 3 zones' }).click();
  await t.page.getByText('3 zones deleted').waitFor();
  assert.ok(!t.mock.state.zones.some((z) => z.name === 'customer-00002.example'));

  await show(t, '#/zones/dns.example.net', '[data-row]');
  await t.page.getByLabel('More zone actions').click();
  await t.page.getByRole('menuitem', { name: 'Delete' }).click();
  await t.page.locator('dialog[open] input').fill('dns.example.net');
  await t.page.locator('dialog[open]').getByRole('button', { name: 'Delete' }).click();
  await t.page.locator('dialog[open] [role=alert]').getByText('cannot be deleted').waitFor();
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('records: delete with Undo, disable, TTL of several, conflict while typing', async () => {
  const t = await open();
  await signIn(t);
  await show(t, '#/zones/example.com', '[data-row]');
  const list = () => t.mock.state.records.get('example.com');
  await t.page.getByLabel(/^Actions for api A/).click();
  await t.page.getByRole('menuitem', { name: 'Delete' }).click();
  await t.page.locator('.toast').waitFor();
  assert.ok(!list().some((r) => r.name === 'api.example.com'));
  await t.page.locator('.toast').getByRole('button', { name: 'Undo' }).click();
  await t.page.locator('[data-row]', { hasText: 'moved from .71' }).waitFor();
  assert.ok(list().some((r) => r.name === 'api.example.com' && r.ttl === 300 && r.comments === 'moved from .71'));
  await t.page.getByLabel(/^Actions for dev A/).click();
  await t.page.getByRole('menuitem', { name: 'Enable' }).click();
  await t.page.waitForFunction(() => !document.querySelector('.vr.off'));
  await t.page.getByLabel(/^Select ns1 A/).click();
  await t.page.getByLabel(/^Select ns2 A/).click();
  await t.page.getByRole('button', { name: 'Set TTL' }).click();
  await t.page.locator('dialog[open] input').fill('2h');
  await t.page.keyboard.press('Enter');
  await t.page.getByText('TTL of 2 records is 2h now').waitFor();
  assert.equal(list().filter((r) => r.ttl === 7200).length, 2);
  await show(t, '#/zones/example.com?dialog=record:CNAME', 'dialog[open]');
  await t.page.locator('dialog').getByLabel('Name', { exact: true }).fill('api');
  await t.page.getByText('A CNAME must stand alone').waitFor();
  const [download] = await Promise.all([
    t.page.waitForEvent('download'),
    (async () => {
      await show(t, '#/zones/example.com', '[data-row]');
      await t.page.getByLabel('More zone actions').click();
      await t.page.getByRole('menuitem', { name: 'Export zone file' }).click();
    })(),
  ]);
  assert.equal(download.suggestedFilename(), 'example.com.zone');
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('names: several at once, delete with Undo, a hosts file, delete all', async () => {
  const t = await open();
  await signIn(t);
  await show(t, '#/blocked?dialog=add', 'dialog[open]');
  await t.page.locator('dialog textarea').fill('one.example\ntwo.example');
  await t.page.locator('dialog').getByRole('button', { name: 'Block a name' }).click();
  await t.page.locator('[data-row]', { hasText: 'two.example' }).waitFor();
  await t.page.getByLabel('Actions for two.example').click();
  await t.page.getByRole('menuitem', { name: 'Delete' }).click();
  await t.page.getByText('two.example deleted').waitFor();
  await t.page.locator('.toast', { hasText: 'two.example deleted' }).getByRole('button', { name: 'Undo' }).click();
  await t.page.locator('[data-row]', { hasText: 'two.example' }).waitFor();
  await show(t, '#/blocked?dialog=import', 'dialog[open]');
  await t.page.setInputFiles('input[type=file]', { name: 'hosts', mimeType: 'text/plain', buffer: Buffer.from('# list\n0.0.0.0 three.example\n127.0.0.1 localhost\nfour.example\n') });
  await t.page.getByRole('button', { name: 'Import 2 names' }).click();
  await t.page.locator('[data-row]', { hasText: 'three.example' }).waitFor();
  await t.page.getByLabel('More actions for this list').click();
  await t.page.getByRole('menuitem', { name: 'Delete all names' }).click();
  await t.page.locator('dialog[open] input').fill('delete all');
  await t.page.locator('dialog[open]').getByRole('button', { name: 'Delete all names' }).click();
  await t.page.getByText('No blocked names').waitFor();
  assert.deepEqual(t.mock.state.names.blocked, []);
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('settings: changes are listed, taken back, saved; a refusal stays in sight', async () => {
  const t = await open();
  await signIn(t);
  await show(t, '#/settings', '.setting');
  await t.page.locator('[data-setting=defaultRecordTtl] input').fill('2h');
  await t.page.getByText('1 change', { exact: true }).waitFor();
  await t.page.goto(`${t.mock.url}#/settings/blocking`);
  await t.page.locator('[data-setting=blockingType] select').selectOption('AnyAddress');
  await t.page.getByRole('button', { name: 'Review' }).click();
  await t.page.screenshot({ path: join(out, 'settings-review-light.png') });
  assert.deepEqual(await violations(t), []);
  await t.page.locator('dialog[open]').getByRole('button', { name: 'Save' }).click();
  await t.page.getByText('2 settings saved').waitFor();
  assert.equal(t.mock.state.settings.defaultRecordTtl, 7200);
  assert.equal(t.mock.state.settings.blockingType, 'AnyAddress');
  const call = t.mock.state.log.filter((c) => c.path === 'settings/set').at(-1);
  assert.deepEqual(Object.keys(call.params).sort(), ['blockingType', 'defaultRecordTtl']);
  await t.page.locator('[data-setting=enableBlocking] input').click();
  await t.page.locator('.pend').getByRole('button', { name: 'Discard' }).click();
  await t.page.waitForFunction(() => !document.querySelector('.pend'));
  await show(t, '#/blocked', '[data-row]');
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('cluster: code for a node, removal is typed, options, other node', async () => {
  const t = await open();
  await signIn(t);
  await show(t, '#/admin/cluster?dialog=token', 'dialog[open]');
  await t.page.getByRole('button', { name: 'Create join code' }).click();
  await t.page.locator('.secret').waitFor();
  await t.page.screenshot({ path: join(out, 'cluster-token-light.png') });
  await t.page.getByRole('button', { name: 'Done' }).click();
  await t.page.getByRole('button', { name: 'Cluster options' }).click();
  await t.page.getByLabel('Heartbeat refresh').fill('5');
  await t.page.getByText('From 10s to 5m').first().waitFor();
  await t.page.getByLabel('Heartbeat refresh').fill('20');
  await t.page.keyboard.press('Enter');
  await t.page.getByText('Cluster options saved').waitFor();
  assert.equal(t.mock.state.cluster.heartbeatRefreshIntervalSeconds, 20);
  await t.page.getByLabel('Actions for ns3.dns.example.net').click();
  await t.page.screenshot({ path: join(out, 'cluster-menu-light.png') });
  await t.page.getByRole('menuitem', { name: 'Remove node' }).click();
  await t.page.locator('dialog[open] input:not([type=checkbox])').fill('ns3.dns.example.net');
  await t.page.screenshot({ path: join(out, 'cluster-remove-light.png') });
  assert.deepEqual(await violations(t), []);
  await t.page.locator('dialog[open]').getByRole('button', { name: 'Remove node' }).click();
  await t.page.getByText('ns3.dns.example.net removed').waitFor();
  assert.ok(t.mock.state.log.some((c) => c.path === 'admin/cluster/primary/deleteSecondary'), 'an unreachable node is not asked');
  await show(t, '#/zones', '[data-row]');
  await t.page.locator('button.node').click();
  await t.page.screenshot({ path: join(out, 'node-select-light.png') });
  assert.deepEqual(await violations(t), []);
  await t.page.keyboard.type('ns2');
  await t.page.keyboard.press('Enter');
  await t.page.waitForURL(/node=ns2/);
  await t.page.waitForSelector('.banner');
  await t.page.waitForFunction(() => document.querySelector('[data-row]'));
  assert.equal(t.mock.state.log.filter((c) => c.path === 'zones/list').at(-1).params.node, 'ns2.dns.example.net');
  await t.page.locator('[data-row]', { hasText: 'big.example' }).getByRole('link').click();
  await t.page.waitForURL(/big\.example\?node=ns2/);
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('joining: a failure says why, a reload comes back to the steps', async () => {
  const t = await open({ isClustered: false });
  await signIn(t);
  await show(t, '#/admin/cluster?dialog=join', 'dialog[open]');
  await t.page.screenshot({ path: join(out, 'cluster-join-light.png') });
  assert.deepEqual(await violations(t), []);
  const form = t.page.locator('dialog[open]');
  await form.getByLabel('Join code', { exact: true }).last().fill('expired');
  await form.getByRole('button', { name: 'Join', exact: true }).click();
  await t.page.getByText('The join token has expired').waitFor();
  await t.page.screenshot({ path: join(out, 'cluster-join-failed-light.png') });
  await t.page.getByRole('button', { name: 'Change and try again' }).click();
  await form.getByLabel('Join code', { exact: true }).last().fill('good');
  await form.getByRole('button', { name: 'Join', exact: true }).click();
  await t.page.waitForSelector('.steps .now');
  await t.page.reload();
  await t.page.waitForSelector('.steps .done');
  await t.page.screenshot({ path: join(out, 'cluster-joining-light.png') });
  await t.page.getByRole('heading', { name: 'This node has joined' }).waitFor();
  await t.page.getByRole('button', { name: 'Done' }).click();
  await t.page.waitForSelector('.topo');
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('administration: users, groups, permissions, tokens, revert', async () => {
  const t = await open();
  await signIn(t);
  await show(t, '#/admin/users?dialog=add', 'dialog[open]');
  await t.page.getByLabel('User name').fill('Eve');
  await t.page.locator('dialog').getByLabel('Password', { exact: true }).fill('long enough pass');
  await t.page.keyboard.press('Enter');
  await t.page.getByText('eve added').waitFor();
  await show(t, '#/admin/users?dialog=user:eve', 'dialog[open] .chk');
  await t.page.getByLabel('Helpdesk').click();
  await t.page.locator('dialog').getByRole('button', { name: 'Save' }).click();
  await t.page.getByText('eve saved').waitFor();
  assert.deepEqual(t.mock.state.users.at(-1).groups, ['Helpdesk']);
  await show(t, '#/admin/permissions/Blocked', '.permtbl');
  await t.page.getByLabel('Add a group').selectOption('Helpdesk');
  await t.page.getByLabel('Modify, Helpdesk').click();
  await t.page.locator('.pend').getByRole('button', { name: 'Save' }).click();
  await t.page.getByText('Permissions saved').waitFor();
  assert.ok(t.mock.state.permissions.get('Blocked').groupPermissions.some((g) => g.name === 'Helpdesk' && g.canModify && !g.canDelete));
  await show(t, '#/profile?dialog=token', 'dialog[open]');
  await t.page.getByLabel('What it is for').fill('scripts');
  await t.page.keyboard.press('Enter');
  await t.page.locator('.secret').waitFor();
  await t.page.getByRole('button', { name: 'Done' }).click();
  await show(t, '#/admin/history?dialog=commit:411', 'dialog[open] .ins');
  await t.page.getByRole('button', { name: 'Undo this change' }).click();
  await t.page.locator('dialog[open]').getByRole('button', { name: 'Undo this change' }).click();
  await t.page.getByText('The change was undone').waitFor();
  await t.close();
  assert.deepEqual(t.faults, []);
});

test('the server goes and comes back', async () => {
  const t = await open();
  await signIn(t);
  await show(t, '#/blocked', '[data-row]');
  t.mock.state.isDown = true;
  await t.page.getByLabel('Actions for ads.example').click();
  await t.page.getByRole('menuitem', { name: 'Delete' }).click();
  await t.page.locator('.offline').waitFor();
  await t.page.locator('.notice.bad').waitFor();
  await t.page.screenshot({ path: join(out, 'offline-light.png') });
  assert.deepEqual(await violations(t), []);
  t.mock.state.isDown = false;
  await t.page.locator('.offline').waitFor({ state: 'detached' });
  assert.ok(t.mock.state.names.blocked.includes('ads.example'));
  await t.close();
});

test('100,000 zones and 24,000 records: few rows in the page, both ends within reach', async () => {
  const t = await open({ zones: 100_000, records: 24_000 });
  await signIn(t);
  for (const [hash, last] of [
    ['#/zones', 'customer-99999.example'],
    ['#/zones/big.example', 'host-023999'],
  ]) {
    await show(t, hash, '[data-row]');
    const seen = await t.page.locator('[data-row]').count();
    assert.ok(seen < 120, `${hash}: ${seen} rows in the page`);
    await t.page.locator('[data-row]').first().focus();
    await t.page.keyboard.press('End');
    await t.page.locator('[data-row]', { hasText: last }).waitFor();
    await t.page.screenshot({ path: join(out, `many-${hash.split('/')[2] ?? 'zones'}-light.png`) });
    await t.page.keyboard.press('Home');
    const start = Date.now();
    await t.page.keyboard.press('/');
    await t.page.keyboard.type(last);
    await t.page.waitForFunction(() => document.querySelectorAll('[data-row]').length === 1);
    console.log(`${hash}: filtered to one row in ${Date.now() - start} ms, typing included`);
  }
  await t.close();
  assert.deepEqual(t.faults, []);
});
