// The addresses by which the other nodes reach this one: picked from the host's, or typed.
import { t } from '../../i18n';
import { CheckField, ListField } from '../../ui/field';
import { Button } from '../../ui/basic';
import { check, splitList } from '../../validate';

interface Props {
  host: readonly string[]; // what the host has
  value: string;
  allowForeign: boolean;
  onInput: (v: string) => void;
  onAllow: (v: boolean) => void;
}

/** Loopback and link-local addresses are of no use to other hosts unless there are no others. */
export function usableAddresses(host: readonly string[]): string[] {
  const good = host.filter((a) => !/^(127\.|::1$|fe80:|169\.254\.)/i.test(a));
  return good.length > 0 ? good : host.filter((a) => !/^fe80:/i.test(a));
}

/** Addresses that the host does not say it has. All of 127.0.0.0/8 is every host's own. */
export function foreignAddresses(value: string, host: readonly string[]): string[] {
  return host.length === 0 ? [] : splitList(value).filter((a) => check.ip(a) === null && !host.includes(a) && !a.startsWith('127.'));
}

export function AddressField({ host, value, allowForeign, onInput, onAllow }: Props) {
  const chosen = splitList(value);
  const left = host.filter((a) => !chosen.includes(a));
  const foreign = foreignAddresses(value, host);
  return (
    <>
      <ListField rows={2} label={t('cluster.addresses')} hint={t('cluster.addressesHint')} value={value} check={check.ip} onInput={onInput} />
      {left.length > 0 && (
        <div class="row">
          {left.map((a) => (
            <Button key={a} small icon="plus" label={a} onClick={() => onInput([...chosen, a].join('\n'))} />
          ))}
        </div>
      )}
      {foreign.length > 0 && <CheckField label={t('cluster.foreign')} hint={t('cluster.foreignHint', { list: foreign.join(', ') })} checked={allowForeign} onChange={onAllow} />}
    </>
  );
}

/** True when the addresses may be sent. */
export function addressesOk(value: string, host: readonly string[], allowForeign: boolean): boolean {
  const list = splitList(value);
  return list.length > 0 && list.every((a) => check.ip(a) === null) && (allowForeign || foreignAddresses(value, host).length === 0);
}
