import { ActionIcon, Alert, Button, Divider, Group, Modal, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import { IconTag, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, http, type Schemas } from '../api/client';
import '../i18n/plan';
import { written } from '../time';
import { useAgents } from './areas';
import { DayInput } from './inputs';
import { complain, say } from './notify';
import { Rows, Trouble } from './states';

type Holiday = Schemas['Holiday'];

/** Tags and holidays of an area, and the tags of its clusters. */
export function Marks({ area }: { area: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="default" leftSection={<IconTag size={18} />} onClick={() => setOpen(true)}>
        {t('plan:marks.title')}
      </Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={t('plan:marks.title')} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
        {area ? open && <Form area={area} close={() => setOpen(false)} /> : <Alert color="blue">{t('plan:marks.choose')}</Alert>}
      </Modal>
    </>
  );
}

function Form({ area, close }: { area: string; close: () => void }) {
  const { data: a, error, refetch } = api.useQuery('get', '/areas/{code}', { params: { path: { code: area } } }, { staleTime: Infinity });
  const tags = api.useQuery('get', '/tags', {});
  if (a && tags.data) return <Fields a={a} tags={tags.data.items} close={close} />;
  const failed = error ?? tags.error;
  return failed ? <Trouble error={failed} again={() => void Promise.all([refetch(), tags.refetch()])} /> : <Rows n={4} />;
}

function Fields({ a, tags, close }: { a: Schemas['AreaView']; tags: Schemas['Tag'][]; close: () => void }) {
  const { t } = useTranslation();
  const agents = (useAgents() ?? []).filter((x) => x.area === a.code);
  const of = (id: string) => tags.filter((x) => x.agents.includes(id)).map((x) => x.tag);
  const [own, setOwn] = useState(a.tags);
  const [holidays, setHolidays] = useState<Holiday[]>(a.holidays);
  const [byAgent, setByAgent] = useState<Record<string, string[]>>({});
  const [day, setDay] = useState('');
  const [name, setName] = useState('');
  const save = api.useMutation('patch', '/areas/{code}', { onError: complain });
  const known = tags.map((x) => x.tag);
  const add = () => {
    setHolidays((list) => [...list.filter((h) => h.day !== day), { day, name: name.trim() }].sort((x, y) => x.day.localeCompare(y.day)));
    setDay('');
    setName('');
  };

  async function all() {
    for (const [id, list] of Object.entries(byAgent)) {
      const { error } = await http.PUT('/agents/{id}/tags', { params: { path: { id } }, body: { tags: list } });
      if (error) return complain(error);
    }
    await save.mutateAsync({ params: { path: { code: a.code }, header: { 'If-Match': `"${a.version}"` } }, body: { tags: own, holidays } });
    say(t('plan:marks.saved'));
    close();
  }

  return (
    <Stack>
      <Text size="sm" c="dimmed">{t('plan:marks.of', { area: a.name })}</Text>
      <TagsInput label={t('plan:marks.tags')} description={t('plan:marks.tagshint')} placeholder={t('plan:marks.new')} data={known} value={own} onChange={setOwn} maxTags={20} />
      <Divider label={t('plan:marks.agents')} />
      {agents.length === 0 && <Text size="sm" c="dimmed">{t('plan:marks.noagents')}</Text>}
      {agents.map((x) => (
        <TagsInput key={x.id} label={x.name} placeholder={t('plan:marks.new')} data={known} value={byAgent[x.id] ?? of(x.id)} onChange={(list) => setByAgent((now) => ({ ...now, [x.id]: list }))} maxTags={20} />
      ))}
      <Divider label={t('plan:marks.holidays')} />
      {holidays.length === 0 && <Text size="sm" c="dimmed">{t('plan:marks.none')}</Text>}
      {holidays.map((h) => (
        <Group key={h.day} gap="xs" justify="space-between" wrap="nowrap">
          <Text size="sm">{`${written(h.day)} ${h.name}`}</Text>
          <ActionIcon variant="subtle" color="gray" aria-label={t('common.remove', { what: h.name })} onClick={() => setHolidays((list) => list.filter((x) => x.day !== h.day))}><IconX size={16} /></ActionIcon>
        </Group>
      ))}
      <Group align="flex-end" gap="sm">
        <DayInput label={t('common.date')} value={day} onChange={setDay} />
        <TextInput label={t('plan:marks.name')} value={name} onChange={(e) => setName(e.currentTarget.value)} maxLength={100} flex={1} miw={160} />
        <Button variant="default" disabled={!day || !name.trim()} onClick={add}>{t('plan:marks.add')}</Button>
      </Group>
      <Group justify="flex-end">
        <Button variant="default" onClick={close}>{t('common.cancel')}</Button>
        <Button loading={save.isPending} onClick={() => void all().catch(() => undefined)}>{t('common.save')}</Button>
      </Group>
    </Stack>
  );
}
