{{/* What things are called. Names are fixed, so that Helm itself refuses most second releases for a namespace; _neighbours.tpl refuses the rest. */}}

{{- define "leadflow.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- .Values.image.repository }}:{{ $tag }}{{ with .Values.image.digest }}@{{ . }}{{ end -}}
{{- end }}

{{/* Labels that choose the operator's pods. They never change: a Deployment's selector can't. */}}
{{- define "leadflow.operator.selector" -}}
app.kubernetes.io/name: leadflow
app.kubernetes.io/instance: leadflow-operator
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of every object. */}}
{{- define "leadflow.labels" -}}
app.kubernetes.io/part-of: leadflow
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of the operator's objects. */}}
{{- define "leadflow.operator.labels" -}}
{{ include "leadflow.operator.selector" . }}
{{ include "leadflow.labels" . }}
{{- end }}

{{/* How a monitor scrapes pods: rules and dashboards go by the labels job, exchange and component. */}}
{{- define "leadflow.scrape" -}}
port: admin
path: /metrics
# The operator counts objects of other namespaces than its own.
honorLabels: true
relabelings:
  - {sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance], targetLabel: exchange}
  - {sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_component], targetLabel: component}
{{- end }}

{{/* A file's name without its folder and end, as part of an object's name. */}}
{{- define "leadflow.stem" -}}
{{- base . | trimSuffix (ext .) | lower | replace "_" "-" -}}
{{- end }}
