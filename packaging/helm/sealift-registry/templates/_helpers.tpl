{{- define "sealift.name" -}}{{ printf "%s-sealift" .Release.Name | trunc 63 | trimSuffix "-" }}{{- end -}}
{{- define "sealift.labels" -}}
app.kubernetes.io/name: sealift-registry
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}
{{- define "sealift.selector" -}}
app.kubernetes.io/name: sealift-registry
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "sealift.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- define "sealift.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- if .Values.tlsSecret -}}
{{- $tls := dict "certificate" "/etc/sealift/tls/tls.crt" "key" "/etc/sealift/tls/tls.key" -}}
{{- $_ := set $config "http" (merge (dict "tls" $tls) (default dict $config.http)) -}}
{{- end -}}
{{ toYaml $config }}
{{- end -}}
