// Records from a zone file, by upload or from the clipboard.
import { useState } from 'preact/hooks';
import { zones as api } from '../../api';
import { t } from '../../i18n';
import { closeDialog } from '../../router';
import { FormDialog } from '../../ui/dialog';
import { AreaField, CheckField, FileField } from '../../ui/field';
import { toast } from '../../ui/toast';

export function ImportDialog({ zone, onDone }: { zone: string; onDone: () => Promise<void> }) {
  const [file, setFile] = useState<File | null>(null);
  const [text, setText] = useState('');
  const [overwrite, setOverwrite] = useState(true);
  const [overwriteZone, setOverwriteZone] = useState(false);
  const [overwriteSoaSerial, setSerial] = useState(false);
  return (
    <FormDialog
      side
      title={t('zones.importTo', { zone })}
      submit={t('zones.import')}
      isValid={file !== null || text.trim() !== ''}
      onClose={closeDialog}
      onSubmit={async () => {
        const body = file ?? new Blob([text], { type: 'text/plain' });
        await api.importFile(zone, { overwrite, overwriteZone, overwriteSoaSerial }, body, file?.name ?? 'zone.txt');
        await onDone();
        toast(t('zones.imported', { zone }));
      }}
    >
      <FileField label={t('zones.file')} hint={t('zones.fileHint')} file={file} onPick={setFile} />
      {file === null && <AreaField mono rows={12} label={t('zones.paste')} placeholder="www 3600 IN A 192.0.2.1" value={text} onInput={setText} />}
      <CheckField label={t('import.overwrite')} hint={t('import.overwriteHint')} checked={overwrite} onChange={setOverwrite} />
      <CheckField label={t('import.overwriteZone')} hint={t('import.overwriteZoneHint')} checked={overwriteZone} onChange={setOverwriteZone} />
      <CheckField label={t('import.serial')} hint={t('import.serialHint')} checked={overwriteSoaSerial} onChange={setSerial} />
    </FormDialog>
  );
}
