// Every text of the page, in the reader's language. English comes with the page; another language is fetched.

import { en } from './en';
import { language } from './locale';

export type Words = typeof en;

export const words: Words = language === 'de' ? (await import('./de')).de : en;
