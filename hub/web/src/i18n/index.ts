import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import { vi } from './vi';

const kept = localStorage.getItem('loa-language');

void i18n.use(initReactI18next).init({
  resources: { vi: { translation: vi } },
  lng: 'vi',
  fallbackLng: 'vi',
  interpolation: { escapeValue: false }, // React does that
  initAsync: false,
});

// English tells one from many: {{n}} cluster{{n, s}}.
i18n.services.formatter?.add('s', (n) => (Number(n) === 1 ? '' : 's'));

/** The second language is fetched when somebody wants it. */
export async function speak(language: 'vi' | 'en') {
  if (language === 'en' && !i18n.hasResourceBundle('en', 'translation')) {
    i18n.addResourceBundle('en', 'translation', (await import('./en')).en);
  }
  localStorage.setItem('loa-language', language);
  await i18n.changeLanguage(language);
}

if (kept === 'en') void speak('en');

export default i18n;
