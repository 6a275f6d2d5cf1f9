//! Findings for AWS Security Hub (AWS Security Finding Format,
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html>), in the shape that
//! `aws securityhub batch-import-findings --cli-input-json` takes.

use sealift_model::{CvssVersion, Finding, Report, Severity, Suppressed, Suppression};
use serde_json::{Value, json};

use crate::part::Part;
use crate::{Context, remark, text};

/// The report for AWS Security Hub. Region and account come from `AWS_REGION` (or `AWS_DEFAULT_REGION`) and
/// `AWS_ACCOUNT_ID`; Security Hub takes nothing without them.
pub(crate) fn asff(report: &Report, context: &Context<'_>) -> String {
    let variable = |name: &str| (context.variable)(name).filter(|value| !value.is_empty());
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let place = Place {
        region: text::line(&region.unwrap_or_default(), 100),
        account: text::line(&variable("AWS_ACCOUNT_ID").unwrap_or_default(), 100),
        report,
    };
    let findings = report.findings.iter().map(|finding| (finding, None));
    let suppressed = report.suppressed.iter().map(|Suppressed { finding, by }| (finding, Some(by)));
    let all: Vec<_> = findings.chain(suppressed).collect();
    let place = &place;
    let one = move |number, (finding, by): &(&Finding, Option<&Suppression>)| {
        place.entry(number, finding, *by)
    };
    text::document(&Part::Object(vec![("Findings", Part::each(&all, one))]))
}

// Whose findings they are.
struct Place<'a> {
    region: String,
    account: String,
    report: &'a Report,
}

impl Place<'_> {
    fn entry(&self, number: usize, finding: &Finding, by: Option<&Suppression>) -> Value {
        let (region, account) = (&self.region, &self.account);
        let partition = match region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        // The product of those who are no partners of AWS.
        let product =
            format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default");
        let time = text::time(self.report.created_secs);
        let package = &finding.package;
        let about = finding.description.as_deref().unwrap_or(&finding.title);
        let about = match text::block(about, 1024) {
            about if about.is_empty() => text::line(&text::solution(finding), 1024),
            about => about,
        };
        let digest = text::unique_digest(finding, number);
        let title = format!("{} in {} {}", finding.id, package.name, package.version);
        let mut remedy = json!({"Text": text::line(&text::solution(finding), 512)});
        if let Some(url) = text::primary_url(finding) {
            remedy["Url"] = json!(url);
        }
        let mut entry = json!({
            "SchemaVersion": "2018-10-08",
            "Id": format!("{product}/{digest}"),
            "ProductArn": product,
            "GeneratorId": text::line(&format!("sealift/{}", finding.id), 512),
            "AwsAccountId": account,
            "Types": ["Software and Configuration Checks/Vulnerabilities/CVE"],
            "CreatedAt": time,
            "UpdatedAt": time,
            "Severity": {"Label": label(finding.severity), "Original": finding.severity.as_str()},
            "Title": text::line(&title, 256),
            "Description": about,
            "Remediation": {"Recommendation": remedy},
            "ProductFields": {
                "ProductName": "Sealift",
                "sealift/version": env!("CARGO_PKG_VERSION"),
                "sealift/advisories": text::line(&remark::basis(self.report), 2048),
            },
            "Resources": [self.resource(finding, partition)],
            "Vulnerabilities": [vulnerability(finding)],
            "RecordState": "ACTIVE",
            "Workflow": {"Status": if by.is_some() { "SUPPRESSED" } else { "NEW" }},
        });
        if let Some(by) = by {
            let text = text::line(&remark::answer(by), 512);
            entry["Note"] = json!({"Text": text, "UpdatedBy": "sealift", "UpdatedAt": time});
        }
        entry
    }

    fn resource(&self, finding: &Finding, partition: &str) -> Value {
        let artifact = &self.report.artifact;
        let name = match text::line(&artifact.name, 512) {
            name if name.is_empty() => "image".to_owned(),
            name => name,
        };
        let mut other = json!({
            "Vulnerability": text::line(&finding.id, 1024),
            "Package": text::line(&finding.package.name, 1024),
            "Installed": text::line(&finding.package.version, 1024),
            "Fixed": text::line(finding.fix.version().unwrap_or_default(), 1024),
        });
        let urgency = remark::urgency(finding);
        if !urgency.is_empty() {
            other["Urgency"] = json!(urgency);
        }
        let mut details = json!({"Other": other});
        if let Some(image) = &artifact.image {
            details["Container"] = json!({"ImageName": name, "ImageId": image.id.to_string()});
        }
        json!({
            "Type": if artifact.image.is_some() { "Container" } else { "Other" },
            "Id": name,
            "Partition": partition,
            "Region": self.region,
            "Details": details,
        })
    }
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::Negligible | Severity::Unknown => "INFORMATIONAL",
        other => other.as_str(),
    }
}

fn vulnerability(finding: &Finding) -> Value {
    let package = &finding.package;
    let mut installed = json!({
        "Name": text::line(&package.name, 1024),
        "Version": text::line(&package.version, 1024),
        "PackageManager": package.kind.purl_type(),
        "Remediation": text::line(&text::solution(finding), 1024),
    });
    if let Some(version) = finding.fix.version() {
        installed["FixedInVersion"] = json!(text::line(version, 1024));
    }
    if let Some(path) = &package.path {
        installed["FilePath"] = json!(text::line(path, 1024));
    }
    if let Some(layer) = &package.layer {
        installed["SourceLayerHash"] = json!(layer.diff_id.to_string());
    }
    let cvss: Vec<Value> = text::cvss(finding)
        .map(|(rating, cvss)| {
            json!({
                "Version": match cvss.version {
                    CvssVersion::V2 => "2.0",
                    CvssVersion::V30 => "3.0",
                    CvssVersion::V31 => "3.1",
                    CvssVersion::V4 => "4.0",
                },
                "BaseScore": cvss.score(),
                "BaseVector": text::line(&cvss.vector, 512),
                "Source": text::line(&rating.source, 512),
            })
        })
        .collect();
    let related: Vec<String> =
        finding.aliases.iter().take(100).map(|alias| text::line(alias, 512)).collect();
    let mut value = json!({
        "Id": text::line(&finding.id, 512),
        "VulnerablePackages": [installed],
        "Cvss": cvss,
        "RelatedVulnerabilities": related,
        "ReferenceUrls": text::urls(finding).into_iter().take(100).collect::<Vec<_>>(),
        "FixAvailable": if finding.fix.version().is_some() { "YES" } else { "NO" },
    });
    let source = &finding.data_source;
    if !source.name.is_empty() {
        let level = finding.severity.as_str();
        value["Vendor"] = json!({"Name": text::line(&source.name, 512), "VendorSeverity": level});
        if let Some(url) = text::web_address(&source.url) {
            value["Vendor"]["Url"] = json!(url);
        }
    }
    if finding.kev.is_some() {
        value["ExploitAvailable"] = json!("YES");
    }
    if let Some(epss) = &finding.epss {
        value["EpssScore"] = json!(epss.score());
    }
    value
}
