"""Tables of many shapes with the answer that a person would give: which kinds each column holds, and which hold none.

`seen`: the recognisers were made right with these. Whatever a column is not said to hold, it must not be accused of.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.delivery.rules.upload import MediaType
from tests.delivery import corpus_values as v
from tests.delivery.corpus_values import Make, day, decimal, number, one_of, rarely, within

CSV, JSON_LINES, PARQUET = MediaType


@dataclass(frozen=True, slots=True)
class Made:
    """A table: how each column is made, and what each holds (kinds, in words)."""

    story: str
    columns: Mapping[str, Make]
    holds: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: MediaType = CSV
    rows: int = 60
    typed: Mapping[str, str] = field(default_factory=dict[str, str])  # in Parquet and JSON: int64, double, date32

    def values(self) -> dict[str, list[str]]:
        rng = random.Random(self.story)
        return {name: [make(rng) for _ in range(self.rows)] for name, make in self.columns.items()}

    @property
    def expected(self) -> set[tuple[str, str]]:
        return {(column, kind) for column, kinds in self.holds.items() for kind in kinds.split()}


serial = number("########")
KIDS = v.resident_id(first="2014-01-01", last="2025-12-31")
BIRTH = ("1948-01-01", "2006-12-31")

# fmt: off
SEEN = [
    Made("residents of a community", {
        "姓名": v.chinese_name, "身份证号": v.resident_id(), "联系电话": v.mobile, "住址": v.chinese_address, "楼栋": number("##号楼")},
        {"姓名": "name", "身份证号": "resident_id", "联系电话": "phone", "住址": "address"}),
    Made("the same without headers that tell", {
        "col1": v.chinese_name, "col2": v.resident_id(), "col3": v.mobile, "col4": v.chinese_address, "col5": serial},
        {"col1": "name", "col2": "resident_id", "col3": "phone", "col4": "address"}),
    Made("customers in English", {
        "customer_id": serial, "full_name": v.english_name, "email": v.email, "phone": number("+1 415 55# ####"),
        "address": v.english_address, "dob": day(*BIRTH), "signup_date": day("2018-01-01", "2026-01-01")},
        {"full_name": "name", "email": "email", "phone": "phone", "address": "address", "dob": "birth_date"}),
    Made("English without headers that tell", {"a": v.english_name, "b": v.email, "c": v.english_address, "d": number("+44 20 7### ####")},
        {"a": "name", "b": "email", "c": "address", "d": "phone"}),
    Made("pinyin initials", {"xm": v.chinese_name, "sfzh": v.resident_id(), "sjh": v.mobile, "jtzz": v.chinese_address, "csrq": day(*BIRTH), "bm": one_of("销售部", "财务部")},
        {"xm": "name", "sfzh": "resident_id", "sjh": "phone", "jtzz": "address", "csrq": "birth_date"}),
    Made("pinyin in full", {"xingming": v.chinese_name, "shoujihao": v.mobile, "youxiang": v.email, "chepaihao": v.plate},
        {"xingming": "name", "shoujihao": "phone", "youxiang": "email", "chepaihao": "plate"}),
    Made("stations have names", {"name": one_of("和平路站", "高新区站", "石家庄站", "马连洼", "周家渡", "白石桥", "安定门", "黄村西大街"), "code": number("S###"), "line": number("#号线")}),
    Made("products have names", {"name": one_of("牛奶", "黄瓜", "白菜", "苹果", "金针菇", "毛巾", "安全帽", "石榴", "马铃薯", "胡萝卜"), "ID": serial, "price": decimal(1, 99, 2)}),
    Made("companies have names and numbers", {"company_name": one_of(*v.COMPANIES), "name": one_of(*v.COMPANIES), "统一社会信用代码": v.uscc},
        {"统一社会信用代码": "uscc"}),
    Made("credit codes beside ids, unnamed", {"c1": v.uscc, "c2": v.resident_id()}, {"c1": "uscc", "c2": "resident_id"}),
    Made("phones as people write them", {"联系方式": one_of("+86 138 1234 5678", "0086-13912345678", "138-1234-5678", "010-88886666", "010-88886666-8012", "(0755)26778899", "86 15012345678"), "备注": v.note},
        {"联系方式": "phone"}),
    Made("phones abroad, unnamed", {"x": one_of("+1 415-555-2671", "+1 (415) 555-2671", "+44 7911 123456", "+81 3-1234-5678", "+65 6123 4567", "+852 2123 4567")}, {"x": "phone"}),
    Made("wide digits", {"证件": lambda rng: v.resident_id()(rng).translate(str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")), "电话": lambda rng: v.mobile(rng).translate(str.maketrans("0123456789", "０１２３４５６７８９"))},
        {"证件": "resident_id", "电话": "phone"}),
    Made("old ids", {"证件号码": v.old_id, "x": v.old_id, "imei": number("35#############")}, {"证件号码": "resident_id", "x": "resident_id"}),
    Made("ids of places that are no more", {"x": v.resident_id(v.RETIRED)}, {"x": "resident_id"}),
    Made("an id ending in a small x", {"证件号": lambda rng: v.resident_id()(rng).lower()}, {"证件号": "resident_id"}),
    Made("numbers within sentences", {"content": within("联系人张三 {}", v.mobile, 5), "remark": within("身份证{}已核", v.resident_id(), 7), "memo": within("发到{}即可", v.email, 6), "log": within("转账到{}成功", v.luhn("622202", 19), 6)},
        {"content": "phone", "remark": "resident_id", "memo": "email", "log": "bank_card"}),
    Made("one phone in ten thousand notes", {"备注": within("急，请打{}", v.mobile, 10_000), "n": serial}, {"备注": "phone"}, rows=10_000),
    Made("places in two columns", {"lat": decimal(20, 45, 6), "lng": decimal(85, 125, 6), "alt": decimal(0, 900, 1)}, {"lat": "coordinates", "lng": "coordinates"}),
    Made("places in one column", {"position": lambda rng: f"{rng.uniform(20, 45):.6f},{rng.uniform(85, 125):.6f}", "v": lambda rng: f"{rng.uniform(85, 125):.5f}, {rng.uniform(20, 45):.5f}"}, {"position": "coordinates", "v": "coordinates"}),
    Made("places as angles", {"where": v.angle, "纬度": number("39°5#′2#″")}, {"where": "coordinates", "纬度": "coordinates"}),
    Made("places as WKT", {"g": lambda rng: f"POINT({rng.uniform(85, 125):.6f} {rng.uniform(20, 45):.6f})", "projected": lambda rng: f"POINT({rng.uniform(4e5, 6e5):.2f} {rng.uniform(3e6, 5e6):.2f})"}, {"g": "coordinates"}),
    Made("places of GCJ-02, and metres", {"gcj02_lng": decimal(113, 114, 6), "gcj02_lat": decimal(22, 23, 6), "x": decimal(4e5, 6e5, 3), "y": decimal(3e6, 5e6, 3)}, {"gcj02_lng": "coordinates", "gcj02_lat": "coordinates"}),
    Made("places under no name", {"a": decimal(30, 31, 6), "b": decimal(120, 121, 6), "c": decimal(0, 1, 6)}, {"a": "coordinates", "b": "coordinates"}),
    Made("decimals that are no places", {"price": decimal(1, 150, 2), "temperature": decimal(-20, 40, 1), "percent": decimal(0, 100, 2), "rate": decimal(6, 8, 4), "score": decimal(0, 100, 1), "wd": decimal(10, 35, 1)}),
    Made("moments that look like numbers", {"ts": number("17622#####"), "ms": number("1762#########"), "at": number("2026110512####"), "created": day("2020-01-01", "2026-01-01"), "stamp": number("202611051234######")}),
    Made("orders", {"order_no": number("2026110#############")  , "long": number("62##############"), "trade": number("4###############"), "sf": number("SF#############"), "eleven": number("###########")}),
    Made("cards", {"bank_card": v.luhn("6222", 19), "b": v.luhn("621700", 19), "credit": v.luhn("4", 16), "member_card": number("1000######")}, {"bank_card": "bank_card", "b": "bank_card", "credit": "bank_card"}),
    Made("addresses of machines", {"client_ip": v.ipv4, "x": v.ipv4, "y": v.ipv6, "version": number("1.#.#.#"), "mac": number("00:1A:2B:##:##:##"), "time": number("1#:2#:3#")}, {"client_ip": "ip_address", "x": "ip_address", "y": "ip_address"}),
    Made("cars", {"车牌号": v.plate, "p": v.green_plate, "vin": number("LSVAA4182E2######"), "color": one_of("白", "黑")}, {"车牌号": "plate", "p": "plate"}),
    Made("passports", {"passport_no": one_of("E12345678", "EA1234567", "G28233515", "AB1234567", "C01X0006H", "520483726"), "x": number("E########"), "batch": number("G2026####")}, {"passport_no": "passport", "x": "passport"}),
    Made("names of other peoples", {"姓名": one_of(*v.UIGHUR), "n": one_of(*v.UIGHUR), "name": one_of(*v.PINYIN), "contact_name": v.turned_name}, {"姓名": "name", "n": "name", "name": "name", "contact_name": "name"}),
    Made("births in five spellings", {"birthday": day(*BIRTH), "出生日期": day(*BIRTH, "%Y年%m月%d日"), "dob": day(*BIRTH, "%d/%m/%Y"), "birth_date": day(*BIRTH, "%Y%m%d"), "csrq": day(*BIRTH, "%b %d, %Y"), "入职日期": day("2010-01-01", "2026-01-01"), "date": day(*BIRTH)},
        {"birthday": "birth_date", "出生日期": "birth_date", "dob": "birth_date", "birth_date": "birth_date", "csrq": "birth_date"}),
    Made("health", {"诊断": one_of("高血压", "2型糖尿病", "上呼吸道感染"), "icd": one_of("I10", "E11.9", "J06.9"), "c": one_of("I10.x", "E11.9", "J06.9", "K35.80", "M54.5"), "d": one_of("原发性高血压", "2型糖尿病", "急性支气管炎", "胃炎"), "seat": one_of("A01", "B12", "C07"), "dept": one_of("内科", "外科")},
        {"诊断": "health", "icd": "health", "c": "health", "d": "health"}),
    Made("machines are diagnosed too", {"设备诊断": one_of("轴承磨损", "正常"), "fault_diagnosis": one_of("overheat", "ok"), "诊断时间": day("2026-01-01", "2026-09-01"), "face_value": decimal(1, 100, 0), "file_fingerprint": number("a#b#c#d#e#f#")}),
    Made("about a thing, not the thing", {"phone_type": one_of("mobile", "home"), "email_verified": one_of("true", "false"), "address_count": number("#"), "手机品牌": one_of("华为", "小米", "苹果"), "身份证类型": one_of("居民", "港澳"), "姓名长度": number("#")}),
    Made("pupils", {"学生姓名": v.chinese_name, "学生身份证": KIDS, "监护人电话": v.mobile, "班级": number("#年级#班")}, {"学生姓名": "name", "学生身份证": "resident_id minor", "监护人电话": "phone"}),
    Made("children by their birth dates", {"name": v.chinese_name, "birthday": day("2015-01-01", "2024-12-31"), "入园日期": day("2020-01-01", "2026-01-01")}, {"name": "name", "birthday": "birth_date minor"}),
    Made("states that look like names", {"status": one_of("成功", "失败"), "grade": one_of("高级", "中级", "初级"), "type": one_of("常规", "加急"), "city": one_of("周口", "安阳", "石家庄", "温州", "马鞍山", "武汉", "成都", "高雄", "金华", "黄山")}),
    Made("JSON lines with numbers", {"user": v.english_name, "mobile": v.mobile, "lat": decimal(20, 45, 6), "lon": decimal(85, 125, 6), "n": number("1####")}, {"user": "name", "mobile": "phone", "lat": "coordinates", "lon": "coordinates"}, JSON_LINES,
        typed={"mobile": "int64", "lat": "double", "lon": "double", "n": "int64"}),
    Made("Parquet with numbers", {"tel": v.mobile, "p": v.mobile, "id_no": lambda rng: v.resident_id()(rng).replace("X", "0"), "y": decimal(30, 31, 6), "x": decimal(120, 121, 6), "birth_date": day(*BIRTH), "updated": day("2026-01-01", "2026-09-01")},
        {"tel": "phone", "p": "phone", "id_no": "resident_id", "y": "coordinates", "x": "coordinates", "birth_date": "birth_date"}, PARQUET,
        typed={"tel": "int64", "p": "double", "id_no": "int64", "y": "double", "x": "double", "birth_date": "date32", "updated": "date32"}),
    Made("mixed languages", {"客户(name)": one_of("张伟", "Wang Fang", "李娜", "John Smith", "赵雷"), "tel 电话": one_of("13812345678", "+1 415 555 2671"), "备注 remark": v.note}, {"客户(name)": "name", "tel 电话": "phone"}),
    Made("belief and body", {"宗教信仰": one_of("无", "佛教", "基督教"), "b": one_of("佛教", "道教", "伊斯兰教"), "fingerprint": number("f3a9####"), "blood_type": one_of("A", "B", "O")}, {"宗教信仰": "religion", "b": "religion", "fingerprint": "biometric", "blood_type": "health"}),
    Made("numbers of a warehouse", {"sku": number("69############"), "isbn": number("9787#########"), "uuid": number("550e8400-e29b-41d4-a716-4466554####0"), "hash": number("9f86d081884c7d65####"), "serial": number("E-####-####"), "qty": number("##"), "weight": decimal(0, 99, 13)}),
    Made("rare cards and mails", {"note": rarely(within("卡号{}", v.luhn("622848", 19)), 400), "text": rarely(v.email, 500), "plain": v.note}, {"note": "bank_card", "text": "email"}, rows=1_200),
]
# fmt: on
