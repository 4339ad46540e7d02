// The texts of certificates, in the reader's language. Apart from the others: few pages need them.

import { language } from '../locale';
import { en } from './en';

export type ProofWords = typeof en;

export const words: ProofWords = language === 'de' ? (await import('./de')).de : en;
