/* playwright_tap.mjs - a Playwright reporter that prints TAP. */
export default class TapReporter {
  number = 0;

  onTestEnd(test, result) {
    const retried = result.status !== 'passed' && result.retry < test.retries;
    if (retried) return;
    this.number += 1;
    const name = test.titlePath().slice(3).join(' > ');
    const skipped = result.status === 'skipped';
    const good = skipped || result.status === test.expectedStatus;
    console.log(`${good ? 'ok' : 'not ok'} ${this.number} - ${name}${skipped ? ' # SKIP' : ''}`);
    if (!good) for (const { stack, message } of result.errors) console.log(stack ?? message);
  }

  onError(error) {
    this.number += 1;
    console.log(`not ok ${this.number} - Playwright: ${error.stack ?? error.message}`);
  }

  printsToStdio() {
    return true;
  }
}
