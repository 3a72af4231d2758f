import { Alert, Badge, Button, Checkbox, Code, CopyButton, Group, Modal, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, http, type Schemas } from '../api/client';
import { useList } from '../api/list';
import { useMe } from '../api/session';
import { put, useAdminWords } from '../i18n/admin';
import { AreaSelect, useAreaNames } from '../parts/areas';
import { say } from '../parts/notify';
import { Page } from '../parts/page';
import { Empty, Listed, Trouble } from '../parts/states';
import { useClock } from '../time';

type Person = Schemas['Account'];
type Invited = Schemas['InvitedView'];
const roles = ['viewer', 'operator', 'officer', 'admin'] as const;
type Role = (typeof roles)[number];

export default function People() {
  const w = useAdminWords().people;
  const { t } = useTranslation();
  const me = useMe();
  const [area, setArea] = useState('');
  const [inviting, setInviting] = useState(false);
  const [editing, setEditing] = useState<Person>();
  const [invited, setInvited] = useState<Invited>();
  const query = { area: area || undefined, limit: 100 };
  const list = useList('/people', query, (cursor, signal) => http.GET('/people', { params: { query: { ...query, cursor } }, signal }));
  const areaName = useAreaNames();
  const clock = useClock();
  return (
    <Page
      title={w.title}
      lead={w.lead}
      actions={
        <Button leftSection={<IconUserPlus size={18} />} onClick={() => setInviting(true)}>
          {w.invite}
        </Button>
      }
    >
      <Group>
        <AreaSelect value={area} onChange={setArea} />
      </Group>
      <Listed list={list} empty={list.items.length === 0 && <Empty icon={<IconUsers size={44} stroke={1.3} />} title={w.empty} hint={w.emptyhint} />}>
        <Table className="stack" aria-label={w.title}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{w.name}</Table.Th>
              <Table.Th>{w.role}</Table.Th>
              <Table.Th>{w.area}</Table.Th>
              <Table.Th>{w.state}</Table.Th>
              <Table.Th>{w.since}</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {list.items.map((p) => (
              <Table.Tr key={p.id} data-person={p.name}>
                <Table.Td>{p.name}</Table.Td>
                <Table.Td>{t(`role.${p.role as 'admin'}`)}</Table.Td>
                <Table.Td>{p.area === '' ? t('common.everywhere') : areaName(p.area)}</Table.Td>
                <Table.Td>
                  <Group gap={4}>
                    <Badge color={p.disabled ? 'gray' : p.invited ? 'yellow' : 'green'}>{p.disabled ? w.disabled : p.invited ? w.invited : w.active}</Badge>
                    {p.second_factor && <Badge color="blue">{w.otp}</Badge>}
                  </Group>
                </Table.Td>
                <Table.Td>{clock.date(p.created_at)}</Table.Td>
                <Table.Td>
                  {p.id !== me.id && (
                    <Button size="compact-sm" variant="default" aria-label={`${w.edit}: ${p.name}`} onClick={() => setEditing(p)}>
                      {w.edit}
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Listed>
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t('common.more')}
        </Button>
      )}
      {inviting && <Invite close={() => setInviting(false)} done={setInvited} />}
      {editing && <Edit p={editing} close={() => setEditing(undefined)} done={setInvited} />}
      {invited && <Link of={invited} close={() => setInvited(undefined)} />}
    </Page>
  );
}

function RoleSelect({ value, onChange }: { value: Role; onChange: (r: Role) => void }) {
  const w = useAdminWords().people;
  return <Select label={w.role} value={value} onChange={(v) => v && onChange(v as Role)} allowDeselect={false} data={roles.map((r) => ({ value: r, label: w.roles[r] }))} />;
}

function Scope({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const w = useAdminWords().people;
  return (
    <div>
      <Text size="sm" fw={500} mb={2}>
        {w.area}
      </Text>
      <AreaSelect value={value} onChange={onChange} />
    </div>
  );
}

function Invite({ close, done }: { close: () => void; done: (i: Invited) => void }) {
  const w = useAdminWords().people;
  const { t } = useTranslation();
  const me = useMe();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [area, setArea] = useState(me.area);
  const invite = api.useMutation('post', '/people', {
    onSuccess: (made) => {
      close();
      done(made);
    },
  });
  return (
    <Modal opened onClose={close} title={w.invite} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          invite.mutate({ body: { name, role, area } });
        }}
      >
        <Stack>
          <TextInput label={w.name} description={w.namehint} value={name} onChange={(e) => setName(e.currentTarget.value)} required withAsterisk={false} maxLength={64} autoComplete="off" data-autofocus />
          <RoleSelect value={role} onChange={setRole} />
          <Scope value={area} onChange={setArea} />
          <Trouble error={invite.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{w.cancel}</Button>
            <Button type="submit" loading={invite.isPending} disabled={!name.trim()}>{w.invite}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Edit({ p, close, done }: { p: Person; close: () => void; done: (i: Invited) => void }) {
  const w = useAdminWords().people;
  const { t } = useTranslation();
  const [role, setRole] = useState(p.role as Role);
  const [area, setArea] = useState(p.area);
  const [asking, setAsking] = useState<'disable' | 'reset'>();
  const [otp, setOtp] = useState(false);
  const params = { path: { id: p.id } };
  const edit = api.useMutation('patch', '/people/{id}', {
    onSuccess: () => {
      say(w.saved);
      close();
    },
  });
  const reset = api.useMutation('post', '/people/{id}/reset', {
    onSuccess: (made) => {
      close();
      done(made);
    },
  });
  return (
    <Modal opened onClose={close} title={put(w.changed, { name: p.name })} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <RoleSelect value={role} onChange={setRole} />
        <Scope value={area} onChange={setArea} />
        <Trouble error={edit.error ?? reset.error} />
        {asking === 'disable' && (
          <Alert color="red" title={w.disable}>
            <Text size="sm" mb="sm">{put(w.disablehint, { name: p.name })}</Text>
            <Group>
              <Button variant="default" onClick={() => setAsking(undefined)}>{w.cancel}</Button>
              <Button color="red.8" loading={edit.isPending} onClick={() => edit.mutate({ params, body: { disabled: true } })}>{`${w.disable}: ${p.name}`}</Button>
            </Group>
          </Alert>
        )}
        {asking === 'reset' && (
          <Alert color="orange" title={w.reset}>
            <Text size="sm">{put(w.resethint, { name: p.name })}</Text>
            {p.second_factor && <Checkbox my="sm" label={w.resetotp} checked={otp} onChange={(e) => setOtp(e.currentTarget.checked)} />}
            <Group mt="sm">
              <Button variant="default" onClick={() => setAsking(undefined)}>{w.cancel}</Button>
              <Button color="red.8" loading={reset.isPending} onClick={() => reset.mutate({ params, body: { second_factor: otp } })}>{`${w.reset}: ${p.name}`}</Button>
            </Group>
          </Alert>
        )}
        {!asking && (
          <Group justify="space-between">
            <Group gap="xs">
              {p.disabled ? (
                <Button variant="default" loading={edit.isPending} onClick={() => edit.mutate({ params, body: { disabled: false } })}>{w.enable}</Button>
              ) : (
                <Button variant="light" color="red" onClick={() => setAsking('disable')}>{w.disable}</Button>
              )}
              <Button variant="default" onClick={() => setAsking('reset')}>{w.reset}</Button>
            </Group>
            <Button loading={edit.isPending} disabled={role === p.role && area === p.area} onClick={() => edit.mutate({ params, body: { role, area } })}>{w.save}</Button>
          </Group>
        )}
      </Stack>
    </Modal>
  );
}

/** The set-up link, which the hub tells once. */
function Link({ of, close }: { of: Invited; close: () => void }) {
  const w = useAdminWords().people;
  const { t } = useTranslation();
  const clock = useClock();
  const url = new URL(of.invitation.url, location.origin).toString();
  return (
    <Modal opened onClose={close} title={w.link} closeOnClickOutside={false} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack>
        <Text size="sm">{put(w.linkhint, { name: of.name, until: clock.both(of.invitation.expires_at) })}</Text>
        <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>{url}</Code>
        <Group justify="flex-end">
          {window.isSecureContext && <CopyButton value={url}>{({ copied, copy }) => <Button variant="default" onClick={copy}>{copied ? w.copied : w.copy}</Button>}</CopyButton>} {/* elsewhere browsers have no clipboard for it */}
          <Button onClick={close}>{w.done}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
