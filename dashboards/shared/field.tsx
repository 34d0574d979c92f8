import type { ComponentChildren, JSX, Ref } from 'preact'

type Said = {
  /** Unique on the page. */
  readonly id: string
  readonly label: string
  readonly help?: ComponentChildren
  /** What is wrong with what was entered; null while nothing is. */
  readonly problem: string | null
}

/** A field with its label above it, and what is wrong with it in words below. */
export function Field(
  props: Said & JSX.IntrinsicElements['input'] & { readonly inputRef: Ref<HTMLInputElement> },
) {
  const { id, label, help, problem, inputRef, ...input } = props
  return (
    <Around id={id} label={label} help={help} problem={problem}>
      <input {...described(id, help, problem)} ref={inputRef} spellcheck={false} {...input} />
    </Around>
  )
}

export function TextField(
  props: Said & JSX.IntrinsicElements['textarea'] & { readonly areaRef: Ref<HTMLTextAreaElement> },
) {
  const { id, label, help, problem, areaRef, ...area } = props
  return (
    <Around id={id} label={label} help={help} problem={problem}>
      <textarea {...described(id, help, problem)} ref={areaRef} {...area} />
    </Around>
  )
}

export function ChoiceField(
  props: Said & JSX.IntrinsicElements['select'] & { readonly selectRef: Ref<HTMLSelectElement> },
) {
  const { id, label, help, problem, selectRef, ...select } = props
  return (
    <Around id={id} label={label} help={help} problem={problem}>
      <select {...described(id, help, problem)} ref={selectRef} {...select} />
    </Around>
  )
}

function Around({ id, label, help, problem, children }: Said & { children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {help !== undefined && (
        <p id={`${id}-help`} class="quiet">
          {help}
        </p>
      )}
      {children}
      <p id={`${id}-problem`} class="problem" role="alert">
        {problem}
      </p>
    </div>
  )
}

function described(id: string, help: ComponentChildren, problem: string | null) {
  const helped = help === undefined ? '' : `${id}-help `
  return { id, 'aria-describedby': `${helped}${id}-problem`, 'aria-invalid': problem !== null }
}
