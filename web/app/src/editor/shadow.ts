/**
 * A place for CodeMirror in which its styles are allowed.
 *
 * CodeMirror writes its style sheets at run time. In the page itself it would do so through `<style>` elements, which the
 * page's Content-Security-Policy forbids; in a shadow root it adopts sheets made by script, which needs no exception.
 *
 * @module
 */

/** Makes the shadow root of an element, or empties the one that it has. */
export function shadowOf(host: HTMLElement): ShadowRoot {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open", delegatesFocus: true });
  root.replaceChildren();
  return root;
}
