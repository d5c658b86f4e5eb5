import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasKey } from './i18n';
import { isSame, readValue, SETTINGS, toApi, toForm } from './screens/settings/table';

test('every setting has a label, and every choice a word', () => {
  for (const s of SETTINGS) {
    assert.ok(hasKey(`setting.${s.name}`), s.name);
    if (s.kind.is === 'choice') for (const o of s.kind.options) assert.ok(hasKey(`choice.${s.name}.${o}`), `${s.name} ${o}`);
  }
  assert.equal(new Set(SETTINGS.map((s) => s.name)).size, SETTINGS.length);
});

test('a default goes through the form unchanged', () => {
  for (const s of SETTINGS) if (s.initial !== undefined) assert.ok(isSame(s, toForm(s, s.initial), toForm(s, s.initial)), s.name);
});

const find = (name: string) => {
  const s = SETTINGS.find((x) => x.name === name);
  if (!s) throw new Error(name);
  return s;
};

test('values go out in the forms of the API', () => {
  assert.equal(toApi(find('recursionNetworkACL'), ''), 'false');
  assert.equal(toApi(find('recursionNetworkACL'), '10.0.0.0/8\n!192.0.2.1'), '10.0.0.0/8,!192.0.2.1');
  assert.equal(toApi(find('defaultRecordTtl'), '1h'), '3600');
  assert.equal(toApi(find('qpmPrefixLimitsIPv4'), toForm(find('qpmPrefixLimitsIPv4'), [{ prefix: 32, udpLimit: 600, tcpLimit: 600 }])), '32|600|600');
  assert.equal(toApi(find('tsigKeys'), '[]'), 'false');
});

test('the proxy comes as one object', () => {
  assert.equal(readValue(find('proxyType'), { proxy: null }), 'None');
  assert.equal(readValue(find('proxyPort'), { proxy: { type: 'Http', port: 8080 } }), 8080);
});
