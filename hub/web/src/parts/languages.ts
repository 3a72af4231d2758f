import { useTranslation } from 'react-i18next';
import { api } from '../api/client';

/** The languages of reports as a list to choose from, and what a code is called. */
export function useLanguages() {
  const { i18n } = useTranslation();
  const { data } = api.useQuery('get', '/languages', undefined, { staleTime: 60_000 });
  const list = (data?.items ?? []).map((l) => ({ value: l.code, label: i18n.language === 'en' ? l.en : l.vi }));
  return { data: list, name: (code: string) => list.find((l) => l.value === code)?.label ?? code };
}
