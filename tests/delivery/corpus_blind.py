"""Twenty more tables, written before any of them had been looked at by the recognisers.

What they found at first, before anything was mended: see `test_corpus.py`.
"""

from services.delivery.rules.upload import MediaType
from tests.delivery import corpus_values as v
from tests.delivery.corpus import Made
from tests.delivery.corpus_values import day, decimal, number, one_of, rarely, within

CSV, JSON_LINES, PARQUET = MediaType

# fmt: off
BLIND = [
    Made("hotel guests", {"房号": number("8#0#"), "住客": v.chinese_name, "证件类型": one_of("身份证", "护照"), "证件号码": v.resident_id(), "入住时间": day("2026-01-01", "2026-09-01", "%Y-%m-%d 14:00"), "手机号码": v.mobile, "房价": decimal(200, 900, 2)},
        {"住客": "name", "证件号码": "resident_id", "手机号码": "phone"}),
    Made("express parcels", {"运单号": number("SF14########"), "寄件人": v.chinese_name, "寄件电话": v.mobile, "收件人": v.chinese_name, "收件电话": v.mobile, "收件地址": v.chinese_address, "重量kg": decimal(0, 20, 2), "揽收网点": one_of("武侯一部", "朝阳望京站")},
        {"寄件人": "name", "寄件电话": "phone", "收件人": "name", "收件电话": "phone", "收件地址": "address"}),
    Made("taxi trips", {"trip_id": number("10#########"), "plate_no": v.plate, "pickup_lon": decimal(116.2, 116.6, 5), "pickup_lat": decimal(39.8, 40.1, 5), "dropoff": lambda rng: f"{rng.uniform(39.8, 40.1):.5f},{rng.uniform(116.2, 116.6):.5f}", "fare": decimal(10, 99, 2), "driver_name": v.chinese_name},
        {"plate_no": "plate", "pickup_lon": "coordinates", "pickup_lat": "coordinates", "dropoff": "coordinates", "driver_name": "name"}),
    Made("web log", {"remote_addr": v.ipv4, "request": one_of("GET /index.html HTTP/1.1", "POST /api/v1/orders HTTP/1.1"), "status": one_of("200", "404", "302"), "bytes": number("####"), "user_agent": one_of("Mozilla/5.0 (X11; Linux) Chrome/120.0.6099.109", "curl/8.4.0"), "time": number("05/Nov/2026:12:##:## +0800")},
        {"remote_addr": "ip_address"}),
    Made("employees in English", {"Employee ID": number("E0####"), "First Name": lambda rng: rng.choice(v.FIRST), "Last Name": lambda rng: rng.choice(v.LAST), "Work E-mail": v.email, "Cell": number("(212) 555-####"), "Home Address": v.english_address, "Date of Birth": day("1960-01-01", "2002-01-01", "%m/%d/%Y"), "Hire Date": day("2010-01-01", "2026-01-01", "%m/%d/%Y"), "Job Title": one_of("Sales Manager", "Engineer", "Accountant"), "Salary": number("8####")},
        {"First Name": "name", "Last Name": "name", "Work E-mail": "email", "Cell": "phone", "Home Address": "address", "Date of Birth": "birth_date"}),
    Made("clinic visits", {"patient": v.chinese_name, "就诊卡号": number("00########"), "主诉": one_of("咳嗽3天", "头痛伴恶心", "腹痛"), "诊断编码": one_of("J06.9", "R51", "K35.8"), "药品": one_of("阿莫西林", "布洛芬", "头孢克肟"), "科室": one_of("内科", "儿科", "急诊"), "医生": v.chinese_name, "费用": decimal(20, 500, 2)},
        {"patient": "name", "主诉": "health", "诊断编码": "health", "医生": "name"}),
    Made("sensors", {"device_id": number("DEV-####"), "ip": v.ipv4, "temp": decimal(-10, 40, 2), "humidity": decimal(0, 100, 2), "pressure": decimal(980, 1030, 4), "ts": number("17300#####"), "fw": number("2.#.1#.#"), "lat": decimal(30, 31, 6), "lon": decimal(103, 105, 6)},
        {"ip": "ip_address", "lat": "coordinates", "lon": "coordinates"}),
    Made("exchange rates", {"date": day("2020-01-01", "2026-01-01"), "usd_cny": decimal(6.3, 7.3, 4), "eur_cny": decimal(7.2, 8.1, 4), "jpy": decimal(4.5, 6.5, 4), "index": decimal(95, 105, 4), "name": one_of("美元", "欧元", "日元", "英镑"), "code": one_of("USD", "EUR", "JPY", "GBP")}),
    Made("enterprise register", {"企业名称": one_of(*v.COMPANIES), "统一社会信用代码": v.uscc, "法定代表人": v.chinese_name, "注册资本": number("###万"), "成立日期": day("1995-01-01", "2024-01-01"), "注册地址": v.chinese_address, "联系电话": number("021-6#######"), "经营范围": one_of("软件开发；技术服务", "食品销售", "货物运输")},
        {"统一社会信用代码": "uscc", "法定代表人": "name", "注册地址": "address", "联系电话": "phone"}),
    Made("bank transfers", {"acct_from": v.luhn("621226", 19), "acct_to": v.luhn("6217", 19), "payee": v.chinese_name, "amount": decimal(1, 9999, 2), "ref": number("20261105############"), "memo": rarely(within("还款 联系{}", v.mobile), 30)},
        {"acct_from": "bank_card", "acct_to": "bank_card", "payee": "name", "memo": "phone"}),
    Made("school roll", {"xh": number("2026####"), "xsxm": v.chinese_name, "csrq": day("2016-09-01", "2017-08-31", "%Y/%m/%d"), "jzdh": v.mobile, "bj": number("三(#)班"), "zz": v.chinese_address},
        {"xsxm": "name", "csrq": "birth_date minor", "jzdh": "phone", "zz": "address"}),
    Made("crop survey", {"地块": one_of("东坡一号", "河滩地", "南头"), "作物": one_of("水稻", "小麦", "玉米", "黄豆", "马铃薯", "白菜", "高粱"), "病害诊断": one_of("稻瘟病", "锈病", "无"), "经度": number("104.1###"), "纬度": number("30.6###"), "亩产": decimal(200, 700, 1)},
        {"经度": "coordinates", "纬度": "coordinates", "病害诊断": "health"}),
    Made("complaints as free text", {"content": rarely(lambda rng: f"我叫{v.chinese_name(rng)}，电话{v.mobile(rng)}，身份证{v.resident_id()(rng)}，请尽快处理", 8, one_of("商品破损，要求退货", "物流太慢", "客服态度差")), "channel": one_of("app", "400热线"), "level": one_of("高", "中", "低")},
        {"content": "phone resident_id"}),
    Made("events as JSON lines", {"event": one_of("login", "click"), "uid": number("u_#######"), "msisdn": lambda rng: "86" + v.mobile(rng), "ip": v.ipv6, "app_version": number("10.#.#"), "loc": lambda rng: f"[{rng.uniform(100, 120):.6f}, {rng.uniform(22, 40):.6f}]", "ok": one_of("true", "false")},
        {"msisdn": "phone", "ip": "ip_address", "loc": "coordinates"}, JSON_LINES),
    Made("books", {"title": one_of("红楼梦", "围城", "活着", "平凡的世界"), "author": one_of("曹雪芹", "钱钟书", "余华", "路遥", "王安忆"), "isbn": number("978-7-02-00####-#"), "publisher": one_of("人民文学出版社", "中华书局"), "year": number("20##"), "price": decimal(20, 90, 2)},
        {"author": "name"}),
    Made("foreign visitors", {"Name": lambda rng: v.turned_name(rng).upper(), "Passport No.": number("P#######"), "Nationality": one_of("USA", "FRA", "JPN"), "DOB": day("1950-01-01", "2005-01-01", "%d %b %Y"), "Entry": day("2026-01-01", "2026-09-01"), "Visa No": number("M#######"), "Phone": one_of("+33 6 12 34 56 78", "+1-202-555-0143", "+81-90-1234-5678")},
        {"Name": "name", "Passport No.": "passport", "DOB": "birth_date", "Phone": "phone"}),
    Made("insurance in Parquet", {"policy": number("PDAA2026##########"), "insured": v.chinese_name, "idcard": v.resident_id(), "mobile": v.mobile, "card_no": v.luhn("622848", 19), "premium": decimal(100, 9000, 2), "birthdate": day("1950-01-01", "2004-01-01"), "start_date": day("2026-01-01", "2026-12-31"), "agent_code": number("44######")},
        {"insured": "name", "idcard": "resident_id", "mobile": "phone", "card_no": "bank_card", "birthdate": "birth_date"}, PARQUET, typed={"mobile": "int64", "premium": "double", "birthdate": "date32", "start_date": "date32"}),
    Made("letters for names", {"f1": number("########"), "f2": v.plate, "f3": v.luhn("622202", 16), "f4": v.english_name, "f5": one_of("内蒙古自治区呼和浩特市新城区海拉尔东街15号", "广西南宁市青秀区民族大道100号", "新疆乌鲁木齐市天山区解放北路2号"), "f6": number("1.##"), "f7": one_of("是", "否")},
        {"f2": "plate", "f3": "bank_card", "f4": "name", "f5": "address"}),
    Made("points of interest", {"名称": one_of("万达广场", "方圆大厦", "金色家园", "白云宾馆", "马家沟小学", "高升桥", "武侯祠"), "类别": one_of("购物", "教育", "酒店"), "地址": v.chinese_address, "电话": number("028-8#######"), "坐标": lambda rng: f"{rng.uniform(104, 105):.6f},{rng.uniform(30, 31):.6f}", "评分": decimal(3, 5, 1)},
        {"地址": "address", "电话": "phone", "坐标": "coordinates"}),
    Made("vaccinations of children", {"儿童姓名": v.chinese_name, "出生日期": day("2021-01-01", "2026-06-30"), "疫苗": one_of("乙肝疫苗", "卡介苗", "麻腮风"), "接种日期": day("2021-01-01", "2026-09-01"), "家长": v.chinese_name, "家长手机": v.mobile, "批号": number("20261#####")},
        {"儿童姓名": "name", "出生日期": "birth_date minor", "家长": "name", "家长手机": "phone"}),
]
# fmt: on
