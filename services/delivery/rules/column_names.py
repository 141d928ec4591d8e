"""What the name of a column says of what it holds, in Chinese, English, pinyin and its initials.

Promises: a name that tells of something about a thing (`phone_type`, `诊断时间`, `station_name`) does not point at it.
Does not: look at values. A name alone accuses nobody (`detection.py`).
"""

import re
from collections.abc import Iterable, Mapping

from shared.kinds import Kind

# Whole words of a column name (English and pinyin), and parts of one (Chinese), that point at a kind.
# fmt: off
WORDS: Mapping[Kind, str] = {
    Kind.RESIDENT_ID: "idcard idno idnum idnumber identity sfz sfzh sfzhm gmsfhm gmsfzh zjhm zjh id_card id_no id_num "
                      "id_number identity_card identity_no identity_number national_id citizen_id ssn "
                      "shenfenzheng shenfenzhenghao zhengjianhao zhengjianhaoma",
    Kind.USCC:        "uscc tyshxydm xydm shxydm credit_code",
    Kind.PHONE:       "phone mobile tel telephone cellphone cell_phone cell_number sjh sjhm lxdh lxfs dh dhhm "
                      "phone_number msisdn shouji shoujihao dianhua lianxidianhua whatsapp",
    Kind.BANK_CARD:   "bankcard yhk yhkh yhzh bank_card card_number card_no account_number account_no bank_account "
                      "credit_card debit_card iban yinhangka yinhangkahao",
    # What any document of identity may be in is a passport's too.
    Kind.PASSPORT:    "passport hzh hzhm passport_number passport_no passport_id huzhao huzhaohao zjhm zjh "
                      "document_number document_no id_document zhengjianhao zhengjianhaoma",
    Kind.PLATE:       "plate cph cphm license_plate licence_plate plate_number plate_no chepai chepaihao",
    Kind.EMAIL:       "email mail e_mail yx dzyx dzyj youxiang",
    Kind.IP_ADDRESS:  "ip ipv4 ipv6 ip_address client_ip remote_addr ipaddr ipdz",
    Kind.COORDINATES: "lat lon lng latitude longitude latlng lnglat latlon lonlat coordinate coordinates coord coords "
                      "jwd jingdu weidu jd wd gps geo location position wkt geom geometry point",
    Kind.NAME:        "name xm full_name fullname person_name contact firstname lastname surname forename fname lname "
                      "given_names lxr xingming next_of_kin",
    Kind.ADDRESS:     "address addr dz zz jtzz jtdz txdz street residence dizhi zhuzhi",
    Kind.BIRTH_DATE:  "birthday birthdate dob csrq csny birth birth_date date_of_birth birth_day birth_year "
                      "year_of_birth born chushengriqi shengri",
    Kind.HEALTH:      "diagnosis diagnoses disease icd icd10 icd_10 icd_code symptom symptoms medication medications "
                      "prescription allergy allergies blood_type blood_group blood_pressure blood_sugar "
                      "blood_glucose heart_rate "
                      "medical_record medical_history chief_complaint zhenduan zdmc zdbm jbmc",
    Kind.RELIGION:    "religion faith zjxy religious_belief",
    Kind.BIOMETRIC:   "fingerprint face_id face_image face_feature face_features face_embedding "
                      "face_template faceprint iris_code iris_scan iris_image iris_template voiceprint biometric "
                      "biometrics dna dna_sequence genome genotype",
    Kind.MINOR:       "",
}
PARTS: Mapping[Kind, str] = {
    Kind.RESIDENT_ID: "身份证 身分证 证件号 公民身份 身份号",
    Kind.USCC:        "信用代码",
    Kind.PHONE:       "手机 电话 联系方式 联络方式 移动电话 座机",
    Kind.BANK_CARD:   "银行卡 银行账号 银行帐号 银行账户 银行帐户 卡号 收款账号 收款帐号 借记卡 信用卡",
    Kind.PASSPORT:    "护照 通行证 证件号",
    Kind.PLATE:       "车牌 号牌",
    Kind.EMAIL:       "邮箱 电邮 电子邮件 邮件地址",
    Kind.IP_ADDRESS:  "IP地址",
    Kind.COORDINATES: "经度 纬度 坐标 座标 经纬",
    Kind.NAME:        "姓名 联系人 联络人 户主 法定代表人 患者名 名字 收件人 收货人 寄件人 申请人 当事人 监护人 经办人 "
                      "负责人 驾驶员 司机 投保人 被保险人 紧急联系",
    Kind.ADDRESS:     "地址 住址 住所 居住地",
    Kind.BIRTH_DATE:  "出生 出生日期 生日 出生年月 出生时间 出生年份",
    Kind.HEALTH:      "诊断 疾病 病史 病历 症状 用药 血型 病情 病种 主诉 处方 过敏 医嘱 血压 血糖 心率 体检",
    Kind.RELIGION:    "宗教 信仰",
    Kind.BIOMETRIC:   "指纹 人脸 虹膜 声纹 基因",
    Kind.MINOR:       "",
}
# The last word of a name that tells something about the thing, not the thing.
ABOUT = frozenset(
    "ms err error accuracy precision at on time date count counts type status state flag verified valid length "
    "level score rate ratio size color colour id brand model os version country language zone source category area "
    "provider carrier city updated created".split()
)
ABOUT_PARTS = tuple(
    "时间 日期 次数 数量 个数 人数 类型 种类 类别 状态 标志 标识 品牌 型号 归属地 运营商 长度 等级 级别 得分 评分 "
    "费用 话费 金额 比例 职务 职称 性别 年龄 部门 单位 学历 版本".split()
)
# Whose health, face or finger is none of a person's.
UNLIKE: Mapping[Kind, tuple[str, ...]] = {
    Kind.HEALTH:    ("设备", "故障", "系统", "网络", "机器", "车辆", "作物", "植物", "fault", "device", "system",
                     "network", "engine", "vehicle", "plant", "crop", "machine", "error"),
    Kind.BIOMETRIC: ("证书", "文件", "设备", "浏览器", "file", "cert", "browser", "device", "key", "ssh", "tls"),
    Kind.BANK_CARD: ("会员", "门禁", "饭卡", "公交", "储值", "身份", "member", "gift", "meter", "id card", "id_card",
                     "idcard", "identity", "sim card", "sim_card"),
    Kind.PLATE:     ("铭牌", "steel", "name", "plate_thickness"),
}
# Words before `name` that make it a person's.
PERSONS = frozenset(
    "full first last middle given family person people real legal maiden customer client patient user contact "
    "employee staff student teacher doctor nurse driver owner buyer guardian parent father mother spouse applicant "
    "insured passenger guest member beneficiary recipient receiver consignee sender chinese english cn en zh "
    "policyholder resident tenant candidate author child".split()
)
# fmt: on
PERSON_WORDS = frozenset(
    "full_name fullname person_name firstname lastname surname forename fname lname given_names lxr xingming "
    "next_of_kin".split()
)
# Who a column may be about: people in these parts have names, if the values look like names at all.
ROLES = tuple(
    "学生 患者 病人 员工 职工 业主 车主 住客 旅客 乘客 户名 教师 老师 班主任 医生 护士 家长 儿童 孩子 老人 客户 "
    "会员 作者 投诉人 收款人 付款人 借款人 担保人 受益人 配偶 父亲 母亲 本人 审核人 创建人 操作员 经理 嫌疑人 原告 "
    "被告 租户 租客 房东 住户 居民 村民 学员 考生 选手 院长 校长 导演 演员 教练 法官 律师 主持人 董事长 总经理 法人 "
    "店长 队长 船长 机长 代表 主管 总监 秘书 顾问 编辑 记者 歌手 画家 作家 专家 卖家 买家 者 人 员".split()
)
NO_ROLES = frozenset("full first last middle given family real legal chinese english cn en zh child".split())
ROLE_WORDS = (PERSONS - NO_ROLES) | frozenset(
    "manager payee payer insured suspect plaintiff defendant borrower operator reviewer pupil director actor coach "
    "judge lawyer captain pilot artist singer speaker instructor professor chairman founder lecturer guarantor "
    "witness trustee recruiter".split()
)
# Who is always a person, so that a column called so holds names if its values look like any.
NATURAL = frozenset(
    "patient employee student pupil teacher professor nurse physician surgeon passenger singer actor coach captain "
    "pilot instructor lecturer witness".split()
)
# Where things lie, by codes that look like those of diseases, and what a drug is for.
NOT_ILL = frozenset("shelf bin rack slot aisle seat bay locker indication indications".split())
NOT_ILL_PARTS = ("货架", "库位", "货位", "储位", "座位", "座号", "床位", "工位", "车位", "适应症", "主治")
# Numbers that somebody gave to goods, and that look like those of passports.
SERIALS = frozenset("serial batch lot sku sn model part consignment waybill tracking".split())
SERIAL_PARTS = ("批次", "批号", "货号", "料号", "型号", "序列号", "运单号", "快递单号", "订单号", "流水号", "工单号")
# Headers in traditional script, read as the words above are written.
SIMPLIFIED = str.maketrans(
    "證號碼適應機電話銀帳護車郵緯經聯繫絡戶員師學醫診斷歷藥過壓檢齡職稱級別費額類種狀態時間點數單價區縣鄉線產業廠館專標籤臉聲紋據門療癥體監駕駛險貨當請負責擔債導題",
    "证号码适应机电话银帐护车邮纬经联系络户员师学医诊断历药过压检龄职称级别费额类种状态时间点数单价区县乡线产业厂馆专标签脸声纹据门疗症体监驾驶险货当请负责担债导题",
)
# What is called by words that look like people's names: towns, goods, states of affairs.
# fmt: off
THINGS = frozenset(
    "city province state country district region county town village status type kind category class brand product "
    "company organisation organization department dept station school hospital position job title colour color "
    "variety grade level airport item goods material industry sector label tag route line unit file host table "
    "field column domain server event task project sku model plan course shop store account app service device "
    "group team bank vendor supplier manufacturer road street place location site file_name long short common "
    "display screen".split()
)
THING_PARTS = tuple(
    "城市 省份 地区 区县 县市 乡镇 地市 状态 类型 品牌 产品 商品 公司 企业 单位 部门 科室 站点 车站 类别 分类 名称 "
    "品名 等级 行业 学校 医院 材质 颜色 职务 岗位 职业 民族 国家 专业 品种 线路 小区 籍贯 标签 植物 动物 花卉 "
    "药材 中药 药名 菜品 菜名 食品 树种 作物".split()
)
# fmt: on
# Pinyin initials that are met behind others: `hzxm` (患者姓名), `fddbrsfzh`.
ENDINGS: Mapping[Kind, tuple[str, ...]] = {
    Kind.RESIDENT_ID: ("sfzh", "sfzhm"),
    Kind.PHONE: ("sjh", "sjhm", "lxdh"),
    Kind.NAME: ("xm",),
    Kind.BIRTH_DATE: ("csrq",),
    Kind.ADDRESS: ("jtzz",),
    Kind.BANK_CARD: ("yhkh",),
    Kind.PLATE: ("cphm",),
}
# `jd` is also an angle and `wd` a temperature: under such a name only what is as precise as a place counts.
DEGREES = frozenset("lat lon lng latitude longitude latlng lnglat latlon lonlat coordinate coordinates jwd".split())
_WORDS = {kind: frozenset(words.split()) for kind, words in WORDS.items()}
_PARTS = {kind: tuple(parts.split()) for kind, parts in PARTS.items()}


def kinds_named(column: str) -> frozenset[Kind]:
    """The kinds that a column's name points at: `customerPhone`, `联系电话`, `sjhm` all say phone."""
    plain = _plain(column)
    return frozenset(kind for kind in Kind if _points_at(plain, kind))


def names_person(column: str) -> bool:
    """Whether the column's name leaves no doubt that it holds people's names; a bare `name` does not."""
    if Kind.NAME not in kinds_named(column):
        return False
    words = _words(column)
    return (
        bool(set(_phrases(words)) & PERSON_WORDS or set(words[-1:]) & NATURAL)
        or any(before in PERSONS for before, word in zip(words, words[1:], strict=False) if word == "name")
        or any(part in _plain(column) for part in _PARTS[Kind.NAME])
    )


def names_things(column: str) -> bool:
    """Whether the column's name says that it holds the names of other things than persons."""
    return bool(THINGS & set(_words(column)[-2:])) or _plain(column).rstrip("0123456789").endswith(THING_PARTS)


def names_nobody_ill(column: str) -> bool:
    """Whether the column's name says that its codes or diseases are not somebody's."""
    return bool(NOT_ILL & set(_words(column)[-2:])) or _plain(column).endswith(NOT_ILL_PARTS)


def names_serials(column: str) -> bool:
    """Whether the column's name says that it holds the numbers of goods or papers."""
    return bool(SERIALS & set(_words(column)[-2:])) or _plain(column).endswith(SERIAL_PARTS)


def names_degrees(column: str) -> bool:
    """Whether the column's name leaves no doubt that its numbers are degrees of latitude or longitude."""
    return bool(set(_phrases(_words(column))) & DEGREES) or any(
        part in _plain(column) for part in _PARTS[Kind.COORDINATES]
    )


def _points_at(column: str, kind: Kind) -> bool:
    words = _words(column)
    matched = [*_matched(words, kind), *(part for part in _PARTS[kind] if part in column.upper())]
    if kind is Kind.NAME:
        matched += [role for role in ROLES if column.endswith(role)]
    if not matched or any(word in column.lower() for word in UNLIKE.get(kind, ())):
        return False
    # What a name ends in is what it is about, unless that belongs to the thing itself (`birth_date`, `出生日期`).
    ends = [*words[-1:], *(part for part in ABOUT_PARTS if column.rstrip(")）").endswith(part))]
    about = [end for end in ends if end in ABOUT or end in ABOUT_PARTS]
    if words[:1] in (["is"], ["has"]) or column.startswith("是否"):
        return False
    return all(any(match.endswith(end) for match in matched) for end in about)


def _matched(words: list[str], kind: Kind) -> Iterable[str]:
    if kind is Kind.NAME and words[-1:] and words[-1] in ROLE_WORDS:
        yield words[-1]
    for phrase in _phrases(words):
        if phrase in _WORDS[kind] and not (kind is Kind.NAME and phrase == "name" and not _is_persons(words)):
            yield phrase
        elif len(phrase) <= 9 and phrase.isalpha() and phrase.endswith(ENDINGS.get(kind, ())):
            yield phrase


def _is_persons(words: list[str]) -> bool:
    """Whether it is the last word, and not of a thing: a station has a name too."""
    place = words.index("name")
    return place == len(words) - 1 and not THINGS & set(words) or words[place + 1 :] in (["cn"], ["en"], ["zh"])


def _plain(column: str) -> str:
    """In simplified script, without the spaces that stretch a Chinese name to the width of its neighbours, and without
    possessives."""
    return re.sub(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])|['’]s\b", "", column.translate(SIMPLIFIED))


def _words(column: str) -> list[str]:
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", _plain(column))
    return re.findall(r"[a-z]+|[0-9]+", split.lower())


def _phrases(words: list[str]) -> list[str]:
    joined = ("_".join(words[i : i + n]) for n in (2, 3) for i in range(len(words) - n + 1))
    return [*words, *joined, "".join(words)]
