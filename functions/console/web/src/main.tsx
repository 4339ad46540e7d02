import './style/base.css';
import './style/frame.css';
import './style/parts.css';
import './style/request.css';
import './style/certificate.css';

import { render } from 'preact';

import { App } from './app';
import { applyTheme } from './theme';
import { language } from './words/locale';

applyTheme();
document.documentElement.lang = language;
render(<App />, document.getElementById('app') as HTMLElement);
