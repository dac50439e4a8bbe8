{{/*
Fails when another release's operator looks after a namespace that this one would look after, too, and Helm itself does not notice: one of the two has
rights in the whole cluster, and the other in single namespaces. Where an operator is and what it looks after is read from its bindings. Without a
cluster at hand (`helm template`, Argo CD) nothing is found, and nothing refused.
*/}}
{{- define "leadflow.neighbours" -}}
{{- $own := .Release.Namespace -}}
{{- $found := list -}}
{{- if .Values.watchNamespaces -}}
{{- with lookup "rbac.authorization.k8s.io/v1" "ClusterRoleBinding" "" "leadflow-operator" -}}
{{- range .subjects | default list -}}
{{- if ne (.namespace | default $own) $own -}}
{{- $found = append $found .namespace -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $found -}}
{{- fail (printf "watchNamespaces: the operator in namespace %s looks after all namespaces already: give that release watchNamespaces of its own first, or uninstall it" (join ", " .)) -}}
{{- end -}}
{{- else -}}
{{- range (lookup "rbac.authorization.k8s.io/v1" "ClusterRoleBinding" "" "").items | default list -}}
{{- $labels := .metadata.labels | default dict -}}
{{- if and (hasPrefix "leadflow-definitions-" .metadata.name) (eq (get $labels "app.kubernetes.io/instance") "leadflow-operator") -}}
{{- $namespace := trimPrefix "leadflow-definitions-" .metadata.name -}}
{{- if ne $namespace $own -}}
{{- $found = append $found $namespace -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with $found -}}
{{- fail (printf "watchNamespaces: it must not be empty, since operators in the namespaces %s look after some namespaces already: name those that are left, or uninstall these releases" (join ", " .)) -}}
{{- end -}}
{{- end -}}
{{- end }}
