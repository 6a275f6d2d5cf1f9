//! Groups of archives that do not say theirs: a list of what is known, each with the Java packages that it has.
//!
//! Many makers publish archives without Maven's own files in them. A group that is guessed wrongly names another
//! package, so that nothing is guessed: the archive's name and its classes must both agree with the list.

use super::Classes;

/// An artifact's name, `*` at its end for any that begin so; its group; where its classes are.
type Known = (&'static str, &'static str, &'static str);

// The first that fits holds.
const KNOWN: &[Known] = &[
    ("spring-boot*", "org.springframework.boot", "org/springframework/boot"),
    (
        "spring-security-oauth2-autoconfigure",
        "org.springframework.security.oauth.boot",
        "org/springframework/boot",
    ),
    ("spring-security*", "org.springframework.security", "org/springframework/security"),
    ("spring-integration-*", "org.springframework.integration", "org/springframework/integration"),
    ("spring-batch-*", "org.springframework.batch", "org/springframework/batch"),
    ("spring-session-*", "org.springframework.session", "org/springframework/session"),
    ("spring-kafka*", "org.springframework.kafka", "org/springframework/kafka"),
    ("spring-amqp", "org.springframework.amqp", "org/springframework/amqp"),
    ("spring-rabbit*", "org.springframework.amqp", "org/springframework/amqp"),
    ("spring-retry", "org.springframework.retry", "org/springframework/retry"),
    ("spring-hateoas", "org.springframework.hateoas", "org/springframework/hateoas"),
    ("spring-graphql", "org.springframework.graphql", "org/springframework/graphql"),
    ("spring-ldap-*", "org.springframework.ldap", "org/springframework/ldap"),
    ("spring-ws-*", "org.springframework.ws", "org/springframework/ws"),
    ("spring-xml", "org.springframework.ws", "org/springframework/xml"),
    (
        "spring-statemachine-*",
        "org.springframework.statemachine",
        "org/springframework/statemachine",
    ),
    ("spring-jcl", "org.springframework", "org/apache/commons/logging"),
    ("spring-instrument", "org.springframework", "org/springframework"),
    ("spring-aop", "org.springframework", "org/springframework"),
    ("spring-aspects", "org.springframework", "org/springframework"),
    ("spring-beans", "org.springframework", "org/springframework"),
    ("spring-context*", "org.springframework", "org/springframework"),
    ("spring-core*", "org.springframework", "org/springframework"),
    ("spring-expression", "org.springframework", "org/springframework"),
    ("spring-jdbc", "org.springframework", "org/springframework"),
    ("spring-jms", "org.springframework", "org/springframework"),
    ("spring-messaging", "org.springframework", "org/springframework"),
    ("spring-orm", "org.springframework", "org/springframework"),
    ("spring-oxm", "org.springframework", "org/springframework"),
    ("spring-r2dbc", "org.springframework", "org/springframework"),
    ("spring-test", "org.springframework", "org/springframework"),
    ("spring-tx", "org.springframework", "org/springframework"),
    ("spring-web", "org.springframework", "org/springframework"),
    ("spring-webflux", "org.springframework", "org/springframework"),
    ("spring-webmvc*", "org.springframework", "org/springframework"),
    ("spring-websocket", "org.springframework", "org/springframework"),
    ("micrometer-tracing*", "io.micrometer", "io/micrometer"),
    ("micrometer-*", "io.micrometer", "io/micrometer"),
    ("reactor-netty*", "io.projectreactor.netty", "reactor/netty"),
    ("reactor-kafka", "io.projectreactor.kafka", "reactor/kafka"),
    ("reactor-core", "io.projectreactor", "reactor"),
    ("reactive-streams", "org.reactivestreams", "org/reactivestreams"),
    ("rxjava", "io.reactivex.rxjava3", "io/reactivex/rxjava3"),
    ("rxjava", "io.reactivex.rxjava2", "io/reactivex"),
    ("grpc-*", "io.grpc", "io/grpc"),
    ("perfmark-*", "io.perfmark", "io/perfmark"),
    ("opentelemetry-*", "io.opentelemetry", "io/opentelemetry"),
    ("lucene-*", "org.apache.lucene", "org/apache/lucene"),
    ("kafka-clients", "org.apache.kafka", "org/apache/kafka"),
    ("kafka-streams", "org.apache.kafka", "org/apache/kafka"),
    ("kafka_2.*", "org.apache.kafka", "kafka"),
    ("connect-*", "org.apache.kafka", "org/apache/kafka/connect"),
    ("hibernate-commons-annotations", "org.hibernate.common", "org/hibernate/annotations"),
    ("hibernate-jpa-2.*", "org.hibernate.javax.persistence", "javax/persistence"),
    ("hibernate-search-*", "org.hibernate.search", "org/hibernate/search"),
    ("hibernate-core", "org.hibernate.orm", "org/hibernate/type/format"),
    ("hibernate-core", "org.hibernate", "org/hibernate"),
    ("hibernate-entitymanager", "org.hibernate", "org/hibernate"),
    ("hibernate-envers", "org.hibernate", "org/hibernate"),
    ("hibernate-ehcache", "org.hibernate", "org/hibernate"),
    ("hibernate-c3p0", "org.hibernate", "org/hibernate"),
    ("tomcat-embed-*", "org.apache.tomcat.embed", "org/apache"),
    ("tomcat-annotations-api", "org.apache.tomcat", "javax/annotation"),
    ("tomcat-annotations-api", "org.apache.tomcat", "jakarta/annotation"),
    ("tomcat-i18n-*", "org.apache.tomcat", ""),
    ("tomcat-*", "org.apache.tomcat", "org/apache"),
    ("poi*", "org.apache.poi", "org/apache/poi"),
    ("poi-ooxml-*", "org.apache.poi", "org/openxmlformats"),
    ("xmlbeans", "org.apache.xmlbeans", "org/apache/xmlbeans"),
    ("ant", "org.apache.ant", "org/apache/tools/ant"),
    ("ant-*", "org.apache.ant", "org/apache/tools/ant"),
    ("derby*", "org.apache.derby", "org/apache/derby"),
    ("ivy", "org.apache.ivy", "org/apache/ivy"),
    ("velocity-tools", "org.apache.velocity", "org/apache/velocity"),
    ("velocity", "org.apache.velocity", "org/apache/velocity"),
    ("xercesImpl", "xerces", "org/apache/xerces"),
    ("xalan", "xalan", "org/apache/xalan"),
    ("xalan", "xalan", "org/apache/bcel"),
    ("serializer", "xalan", "org/apache/xml/serializer"),
    ("xml-apis", "xml-apis", "org/w3c/dom"),
    ("xml-apis-ext", "xml-apis", "org/w3c"),
    ("xml-resolver", "xml-resolver", "org/apache/xml/resolver"),
    ("xmlParserAPIs", "xerces", "org/w3c"),
    ("log4j", "log4j", "org/apache/log4j"),
    ("oro", "oro", "org/apache/oro"),
    ("bsf", "bsf", "org/apache/bsf"),
    ("commons-beanutils", "commons-beanutils", "org/apache/commons/beanutils"),
    ("commons-chain", "commons-chain", "org/apache/commons/chain"),
    ("commons-cli", "commons-cli", "org/apache/commons/cli"),
    ("commons-codec", "commons-codec", "org/apache/commons/codec"),
    ("commons-collections", "commons-collections", "org/apache/commons/collections"),
    ("commons-dbcp", "commons-dbcp", "org/apache/commons/dbcp"),
    ("commons-digester", "commons-digester", "org/apache/commons/digester"),
    ("commons-discovery", "commons-discovery", "org/apache/commons/discovery"),
    ("commons-el", "commons-el", "org/apache/commons/el"),
    ("commons-fileupload", "commons-fileupload", "org/apache/commons/fileupload"),
    ("commons-httpclient", "commons-httpclient", "org/apache/commons/httpclient"),
    ("commons-io", "commons-io", "org/apache/commons/io"),
    ("commons-lang", "commons-lang", "org/apache/commons/lang"),
    ("commons-logging*", "commons-logging", "org/apache/commons/logging"),
    ("commons-net", "commons-net", "org/apache/commons/net"),
    ("commons-pool", "commons-pool", "org/apache/commons/pool"),
    ("commons-validator", "commons-validator", "org/apache/commons/validator"),
    ("commons-lang3", "org.apache.commons", "org/apache/commons/lang3"),
    ("commons-collections4", "org.apache.commons", "org/apache/commons/collections4"),
    ("commons-text", "org.apache.commons", "org/apache/commons/text"),
    ("commons-compress", "org.apache.commons", "org/apache/commons/compress"),
    ("commons-math3", "org.apache.commons", "org/apache/commons/math3"),
    ("commons-dbcp2", "org.apache.commons", "org/apache/commons/dbcp2"),
    ("commons-pool2", "org.apache.commons", "org/apache/commons/pool2"),
    ("groovy*", "org.codehaus.groovy", "org/codehaus/groovy"),
    ("groovy*", "org.codehaus.groovy", "groovy"),
    ("gradle-wrapper", "org.gradle", "org/gradle"),
    ("gradle-*", "org.gradle", "org/gradle"),
    ("kotlinx-*", "org.jetbrains.kotlinx", "kotlinx"),
    ("kotlin-*", "org.jetbrains.kotlin", "kotlin"),
    ("kotlin-*", "org.jetbrains.kotlin", "org/jetbrains/kotlin"),
    ("scala-library", "org.scala-lang", "scala"),
    ("scala-reflect", "org.scala-lang", "scala"),
    ("scala-compiler", "org.scala-lang", "scala"),
    ("scala-parser-combinators_*", "org.scala-lang.modules", "scala"),
    ("scala-xml_*", "org.scala-lang.modules", "scala"),
    ("akka-*", "com.typesafe.akka", "akka"),
    ("okhttp", "com.squareup.okhttp3", "okhttp3"),
    ("okhttp", "com.squareup.okhttp", "com/squareup/okhttp"),
    ("logging-interceptor", "com.squareup.okhttp3", "okhttp3"),
    ("okio*", "com.squareup.okio", "okio"),
    ("retrofit", "com.squareup.retrofit2", "retrofit2"),
    ("junit-jupiter*", "org.junit.jupiter", "org/junit/jupiter"),
    ("junit-platform-*", "org.junit.platform", "org/junit/platform"),
    ("junit-vintage-*", "org.junit.vintage", "org/junit/vintage"),
    ("junit", "junit", "org/junit"),
    ("junit", "junit", "junit/framework"),
    ("opentest4j", "org.opentest4j", "org/opentest4j"),
    ("apiguardian-api", "org.apiguardian", "org/apiguardian"),
    ("hamcrest*", "org.hamcrest", "org/hamcrest"),
    ("mockito-*", "org.mockito", "org/mockito"),
    ("testng", "org.testng", "org/testng"),
    ("objenesis", "org.objenesis", "org/objenesis"),
    ("lombok", "org.projectlombok", "lombok"),
    ("checker-qual", "org.checkerframework", "org/checkerframework"),
    ("jsr305", "com.google.code.findbugs", "javax/annotation"),
    ("jsr250-api", "javax.annotation", "javax/annotation"),
    ("javax.inject", "javax.inject", "javax/inject"),
    ("aopalliance", "aopalliance", "org/aopalliance"),
    ("asm*", "org.ow2.asm", "org/objectweb/asm"),
    ("cglib*", "cglib", "net/sf/cglib"),
    ("antlr", "antlr", "antlr"),
    ("dom4j", "dom4j", "org/dom4j"),
    ("jaxen", "jaxen", "org/jaxen"),
    ("jdom", "org.jdom", "org/jdom"),
    ("xpp3", "xpp3", "org/xmlpull"),
    ("xpp3_min", "xpp3", "org/xmlpull"),
    ("freemarker", "org.freemarker", "freemarker"),
    ("bcprov-*", "org.bouncycastle", "org/bouncycastle"),
    ("bcpkix-*", "org.bouncycastle", "org/bouncycastle"),
    ("bcutil-*", "org.bouncycastle", "org/bouncycastle"),
    ("bcpg-*", "org.bouncycastle", "org/bouncycastle"),
    ("bcmail-*", "org.bouncycastle", "org/bouncycastle"),
    ("bctls-*", "org.bouncycastle", "org/bouncycastle"),
    ("h2", "com.h2database", "org/h2"),
    ("hsqldb", "org.hsqldb", "org/hsqldb"),
    ("mysql-connector-j", "com.mysql", "com/mysql"),
    ("mysql-connector-java", "mysql", "com/mysql"),
    ("postgresql", "org.postgresql", "org/postgresql"),
    ("mssql-jdbc", "com.microsoft.sqlserver", "com/microsoft/sqlserver"),
    ("ojdbc8", "com.oracle.database.jdbc", "oracle/jdbc"),
    ("ojdbc11", "com.oracle.database.jdbc", "oracle/jdbc"),
    ("mongodb-driver-*", "org.mongodb", "com/mongodb"),
    ("bson", "org.mongodb", "org/bson"),
    ("elasticsearch", "org.elasticsearch", "org/elasticsearch"),
    ("elasticsearch-*", "org.elasticsearch", "org/elasticsearch"),
    ("opensearch", "org.opensearch", "org/opensearch"),
    ("opensearch-*", "org.opensearch", "org/opensearch"),
    ("lz4-java", "org.lz4", "net/jpountz"),
    ("snappy-java", "org.xerial.snappy", "org/xerial/snappy"),
    ("zstd-jni", "com.github.luben", "com/github/luben"),
    ("xz", "org.tukaani", "org/tukaani/xz"),
    ("jna", "net.java.dev.jna", "com/sun/jna"),
    ("jna-platform", "net.java.dev.jna", "com/sun/jna"),
    ("jffi", "com.github.jnr", "com/kenai/jffi"),
    ("c3p0", "com.mchange", "com/mchange"),
    ("jcommander", "com.beust", "com/beust/jcommander"),
    ("jsch", "com.jcraft", "com/jcraft/jsch"),
    ("jzlib", "com.jcraft", "com/jcraft/jzlib"),
    ("hessian", "com.caucho", "com/caucho"),
    ("protobuf-java*", "com.google.protobuf", "com/google/protobuf"),
    ("guice", "com.google.inject", "com/google/inject"),
    ("guice-*", "com.google.inject.extensions", "com/google/inject"),
    ("quartz", "org.quartz-scheduler", "org/quartz"),
    ("rhino", "org.mozilla", "org/mozilla"),
    ("bsh", "org.beanshell", "bsh"),
    ("nekohtml", "net.sourceforge.nekohtml", "org/cyberneko"),
    ("jython*", "org.python", "org/python"),
    ("jcip-annotations", "net.jcip", "net/jcip"),
    ("stax-api", "stax", "javax/xml/stream"),
    ("activation", "javax.activation", "javax/activation"),
    ("mail", "javax.mail", "javax/mail"),
    ("servlet-api", "javax.servlet", "javax/servlet"),
    ("jsp-api", "javax.servlet.jsp", "javax/servlet/jsp"),
    ("jstl", "javax.servlet", "javax/servlet/jsp"),
];

/// The group of an artifact of this name with these classes.
pub(super) fn group(
    artifact: &str,
    version: Option<&str>,
    classes: &Classes,
) -> Option<&'static str> {
    let (_, group, _) = KNOWN.iter().find(|(name, _, package)| {
        let is_named = match name.strip_suffix('*') {
            Some(start) => artifact.starts_with(start),
            None => artifact == *name,
        };
        // What has no classes at all, as Spring's starters, is told by its name.
        is_named && (classes.is_empty() || classes.has(package))
    })?;
    let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    Some(match (*group, major) {
        ("org.codehaus.groovy", Some(4..)) => "org.apache.groovy",
        ("org.ow2.asm", Some(..4)) => "asm",
        ("dom4j", Some(2..)) => "org.dom4j",
        ("com.mchange", _) if version.is_some_and(|version| version.starts_with("0.9.1")) => "c3p0",
        ("org.hibernate", Some(6..)) if artifact != "hibernate-commons-annotations" => {
            "org.hibernate.orm"
        }
        (group, _) => group,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        let check = |artifact, version, package: &str, expected| {
            let mut classes = Classes::default();
            if !package.is_empty() {
                classes.add(format!("{package}/A.class").as_bytes());
            }
            assert_eq!(group(artifact, Some(version), &classes), expected, "{artifact}");
        };
        check("spring-boot-starter-web", "2.7.0", "", Some("org.springframework.boot"));
        check("spring-web", "5.3.20", "org/springframework/http", Some("org.springframework"));
        check("spring-web", "5.3.20", "com/acme", None);
        check("asm", "9.3", "org/objectweb/asm", Some("org.ow2.asm"));
        check("asm", "3.1", "org/objectweb/asm", Some("asm"));
        check("groovy-sql", "4.0.1", "groovy/sql", Some("org.apache.groovy"));
        check("junit", "4.13", "junit/framework", Some("junit"));
        check("junit5", "4.13", "org/junit", None);
    }
}
