import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admin, ApiError, cluster, list, names, online, setHooks, table, zones } from './api';

interface Sent {
  url: string;
  init: RequestInit;
}

let sent: Sent[] = [];

function answer(body: unknown, type = 'application/json; charset=utf-8'): void {
  sent = [];
  globalThis.fetch = async (url, init) => {
    sent.push({ url: String(url), init: init ?? {} });
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { headers: { 'Content-Type': type } });
  };
}

const body = (): string => String(sent[0]?.init.body);

test('a call is a POST with the header, and its payload comes back', async () => {
  answer({ response: { zones: [] }, server: 'ns1', status: 'ok' });
  assert.deepEqual(await zones.list(), { zones: [] });
  assert.equal(sent[0]?.url, 'api/zones/list');
  assert.equal(sent[0]?.init.method, 'POST');
  assert.equal((sent[0]?.init.headers as Record<string, string>)['X-Trellis'], '1');
});

test('the chosen node goes with calls that know it, and with no other', async () => {
  setHooks({ node: () => 'ns2.dns.example.net', primary: () => 'ns1.dns.example.net', signedOut: () => undefined });
  answer({ response: {}, status: 'ok' });
  await zones.enable('example.com');
  assert.equal(body(), 'zone=example.com&node=ns2.dns.example.net');
  answer({ response: {}, status: 'ok' });
  await names.add('blocked', 'ads.example');
  assert.equal(body(), 'domain=ads.example');
  answer({ response: {}, status: 'ok' });
  await admin.permission('Zones');
  assert.equal(body(), 'section=Zones&includeUsersAndGroups=true&node=ns1.dns.example.net');
  setHooks({ node: () => undefined, primary: () => undefined, signedOut: () => undefined });
});

test('an error keeps its words; a lost session tells the shell', async () => {
  let out = 0;
  setHooks({ node: () => undefined, primary: () => undefined, signedOut: () => out++ });
  answer({ status: 'error', errorMessage: 'No such zone was found', innerErrorMessage: 'why' });
  await assert.rejects(zones.list(), (e) => e instanceof ApiError && e.status === 'error' && e.message === 'No such zone was found' && e.detail === 'why');
  answer({ status: 'invalid-token', errorMessage: 'x' });
  await assert.rejects(cluster.state(), (e) => e instanceof ApiError && e.status === 'invalid-token');
  assert.equal(out, 1);
});

test('a silent server is told apart from a refusal', async () => {
  globalThis.fetch = async () => {
    throw new TypeError('Failed to fetch');
  };
  await assert.rejects(zones.list(), (e) => e instanceof ApiError && e.status === 'offline');
  assert.equal(online.value, false);
  answer({ response: {}, status: 'ok' });
  await zones.list();
  assert.equal(online.value, true);
});

test('a file comes as text, its failure as an error', async () => {
  answer('a.example\nb.example\n', 'text/plain');
  assert.equal(await names.exportText('blocked'), 'a.example\nb.example\n');
  answer({ status: 'error', errorMessage: 'no' });
  await assert.rejects(zones.exportText('x'), (e) => e instanceof ApiError && e.message === 'no');
});

test('lists and tables', () => {
  assert.equal(list([]), 'false');
  assert.equal(list(['a', 'b']), 'a,b');
  assert.equal(table([['x', true, 1]]), 'x|true|1');
  assert.equal(table([]), 'false');
});
