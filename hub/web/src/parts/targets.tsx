import { Button, Fieldset, MultiSelect, Stack } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import '../i18n/plan';
import { AreasSelect, useAgents, useAreaNames } from './areas';

/** Where a broadcast is heard: areas, narrowed by tags, single clusters, and what is left out. */
export type Where = { areas: string[]; agents: string[]; tags: string[]; except: string[]; exceptTags: string[] };

export function Targets({ d, set }: { d: Where; set: (part: Partial<Where>) => void }) {
  const { t } = useTranslation();
  const area = useAreaNames();
  const agents = useAgents();
  const tags = api.useQuery('get', '/tags', {}, { staleTime: 30_000 });
  const clusters = useMemo(() => (agents ?? []).map((a) => ({ value: a.id, label: `${a.name} · ${area(a.area)} (${t(a.online ? 'plan:online' : 'plan:offline')})` })), [agents, area, t]);
  const isAgent = useMemo(() => new Set((agents ?? []).map((a) => a.id)), [agents]);
  const known = [...new Set([...(tags.data?.items ?? []).map((x) => x.tag), ...d.tags, ...d.exceptTags])];
  const [open, { toggle }] = useDisclosure(d.agents.length + d.tags.length + d.except.length + d.exceptTags.length > 0);
  const optional = (label: string) => `${label} (${t('common.optional')})`;
  const exceptAgents = d.except.filter((x) => isAgent.has(x));
  const exceptAreas = d.except.filter((x) => !isAgent.has(x));
  return (
    <Fieldset legend={t('form.where')}>
      <Stack gap="xs">
        <AreasSelect label={t('form.areas')} description={t('form.areashint')} value={d.areas} onChange={(areas) => set({ areas })} required={d.agents.length === 0} />
        <Button variant="subtle" size="compact-sm" style={{ alignSelf: 'flex-start' }} onClick={toggle} aria-expanded={open} leftSection={open ? <IconChevronUp size={16} /> : <IconChevronDown size={16} />}>
          {t('plan:closer')}
        </Button>
        {open && <>
        {known.length > 0 && <MultiSelect label={optional(t('plan:tags'))} description={t('plan:tagshint')} data={known} value={d.tags} onChange={(list) => set({ tags: list })} searchable clearable hidePickedOptions />}
        <MultiSelect label={optional(t('plan:agents'))} description={t('plan:agentshint')} data={clusters} value={d.agents} onChange={(list) => set({ agents: list })} searchable clearable hidePickedOptions limit={200} />
        <AreasSelect label={optional(t('form.except'))} value={exceptAreas} onChange={(list) => set({ except: [...list, ...exceptAgents] })} />
        <MultiSelect label={optional(t('plan:exceptagents'))} data={clusters} value={exceptAgents} onChange={(list) => set({ except: [...exceptAreas, ...list] })} searchable clearable hidePickedOptions limit={200} />
        {known.length > 0 && <MultiSelect label={optional(t('plan:excepttags'))} data={known} value={d.exceptTags} onChange={(list) => set({ exceptTags: list })} searchable clearable hidePickedOptions />}
        </>}
      </Stack>
    </Fieldset>
  );
}
