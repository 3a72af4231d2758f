import { MultiSelect, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api, http, type Area, type Schemas } from '../api/client';
import { useMe } from '../api/session';

/** All areas, page after page: a country has more than one answer holds. */
export function useAreaList() {
  return useQuery({
    queryKey: ['get', '/areas', 'all'],
    staleTime: 60_000,
    queryFn: async ({ signal }) => {
      const areas: Area[] = [];
      for (let cursor: string | undefined; ; ) {
        const { data, error } = await http.GET('/areas', { params: { query: { limit: 1000, cursor } }, signal });
        if (!data) throw error;
        areas.push(...data.items);
        cursor = data.next || undefined;
        if (!cursor) return areas;
      }
    },
  });
}

const none: Area[] = [];
export const useAreas = (): Area[] => useAreaList().data ?? none;

/** What a list to choose from says when it could not be had. */
export function useNoChoice(error: unknown): string | undefined {
  const { t } = useTranslation();
  return error ? t('error.choices') : undefined;
}

/** Options in the order of the tree, each with the way to it. */
function useOptions() {
  const areas = useAreas();
  return useMemo(() => {
    const byCode = new Map(areas.map((a) => [a.code, a]));
    const way = (a: Area): string => {
      const parent = a.parent ? byCode.get(a.parent) : undefined;
      return parent ? `${way(parent)} › ${a.name}` : a.name;
    };
    return areas.map((a) => ({ value: a.code, label: way(a) })).sort((a, b) => a.label.localeCompare(b.label, 'vi'));
  }, [areas]);
}

/** One area; "" is everything the person answers for. */
export function AreaSelect({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const options = useOptions();
  const failed = useNoChoice(useAreaList().error);
  const data = me.area === '' ? [{ value: '', label: t('common.everywhere') }, ...options] : options;
  return <Select aria-label={t('common.area')} data={data} value={value || me.area} onChange={(v) => onChange(v ?? '')} searchable allowDeselect={false} error={failed} w={{ base: '100%', xs: 280 }} />;
}

export function AreasSelect({ label, description, value, onChange, required }: { label: string; description?: string; value: string[]; onChange: (codes: string[]) => void; required?: boolean }) {
  const options = useOptions();
  const failed = useNoChoice(useAreaList().error);
  return <MultiSelect label={label} description={description} data={options} value={value} onChange={onChange} error={failed} searchable clearable required={required} withAsterisk={false} hidePickedOptions />;
}

export function useAreaNames(): (code: string) => string {
  const areas = useAreas();
  return useMemo(() => {
    const names = new Map(areas.map((a) => [a.code, a.name]));
    return (code) => names.get(code) ?? code;
  }, [areas]);
}

const byName = new Intl.Collator('vi', { numeric: true });
const sorted = ({ items }: Schemas['FleetOutputBody']) => [...items].sort((a, b) => byName.compare(a.name, b.name));

/** All clusters in short, by name: there are provinces with two thousand. */
export const useAgentList = () => api.useQuery('get', '/fleet', {}, { staleTime: 30_000, select: sorted });

export const useAgents = () => useAgentList().data;

export function useAgentNames(): (id: string) => string {
  const agents = useAgents();
  return useMemo(() => {
    const names = new Map((agents ?? []).map((a) => [a.id, a.name]));
    return (id) => names.get(id) ?? id;
  }, [agents]);
}
